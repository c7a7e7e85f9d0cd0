{#- The newest reading of each window is there as a whole, and no part of a newer one. -#}
{% test every_row_arrived(model) %}
{{ differing_readings(model) }}
and (newest_logged_at is null or requested_at >= newest_logged_at)
{% endtest %}
