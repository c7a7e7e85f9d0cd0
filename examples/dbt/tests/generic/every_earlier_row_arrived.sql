{#- The earlier readings of each window are there as well. A loss in them is over: the window was read
    again. But the target may lose rows the next time. In tables, later readings overwrite them. -#}
{% test every_earlier_row_arrived(model) %}
{{ config(severity = 'warn', enabled = target.type == 'duckdb') }}
{{ differing_readings(model) }}
and logged_at < newest_logged_at
{% endtest %}
