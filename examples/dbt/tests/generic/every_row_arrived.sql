{#- The target holds the newest reading of each window as a whole, and no part of a newer one. -#}
{% test every_row_arrived(model) %}
{{ differing_readings(model) }}
and (newest is null or requested_at >= newest)
{% endtest %}
