{#- When a report was last requested: its rows say it, and the window log for a window without rows. -#}
{% macro last_request(loaded) %}
select max(requested_at)
from (
    select cast(_sdc_report_datetime as timestamp) as requested_at
    from {{ loaded }}
    union all
    select cast(requested_at as timestamp)
    from {{ source('crewmojo', 'report_windows') }}
    where stream = '{{ loaded.identifier }}' and cast(row_count as integer) = 0
) as requests
{% endmacro %}
