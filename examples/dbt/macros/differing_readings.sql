{#- Readings of windows of which a table has other rows than the window log says. A reading without a
    line in the log is of a run that ended in the middle of the window. -#}
{% macro differing_readings(loaded) -%}
with counts as (
    select
        case when window_end is not null then cast(window_start as date) end as window_start,
        cast(requested_at as timestamp) as requested_at,
        cast(requested_at as timestamp) as logged_at,
        cast(row_count as integer) as logged_rows,
        0 as loaded_rows
    from {{ source('crewmojo', 'report_windows') }}
    where stream = '{{ loaded.identifier }}'

    union all

    select
        cast({{ '_sdc_report_start_date' if is_windowed(loaded) else 'null' }} as date),
        cast(_sdc_report_datetime as timestamp),
        null,
        0,
        1
    from {{ loaded }}
),

readings as (
    select
        window_start,
        requested_at,
        max(logged_at) as logged_at,
        max(max(logged_at)) over (partition by window_start) as newest_logged_at,
        sum(logged_rows) as logged_rows,
        sum(loaded_rows) as loaded_rows
    from counts
    group by window_start, requested_at
)

select *
from readings
where logged_rows <> loaded_rows
{%- endmacro %}
