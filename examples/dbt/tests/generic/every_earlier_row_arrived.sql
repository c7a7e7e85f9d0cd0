{#- It holds the earlier readings of each window, too. A loss in them is over, because the window was
    read again. But the target may lose rows the next time. -#}
{% test every_earlier_row_arrived(model) %}
{{ config(severity = 'warn', enabled = keeps_readings()) }}
{{ differing_readings(model) }}
and row_count is not null
and requested_at < newest
{% endtest %}
