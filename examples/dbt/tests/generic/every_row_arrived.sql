{#- Readings of windows of which the table has other rows than the window log says. This includes
    rows without a line in the log: of a run that ended in the middle of a window. -#}
{% test every_row_arrived(model) %}
{#- Files keep the rows of all readings. In a table, a reading overwrites those before it. -#}
{%- set keeps_readings = target.type == 'duckdb' -%}
with counts as (
    select
        case when window_end is not null then cast(window_start as date) end as window_start,
        cast(requested_at as timestamp) as requested_at,
        cast(requested_at as timestamp) as logged_at,
        cast(row_count as integer) as logged_rows,
        0 as loaded_rows
    from {{ source('crewmojo', 'report_windows') }}
    where stream = '{{ model.identifier }}'

    union all

    select
        cast({{ '_sdc_report_start_date' if is_windowed(model) else 'null' }} as date),
        cast(_sdc_report_datetime as timestamp),
        null,
        0,
        1
    from {{ model }}
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

select window_start, requested_at, logged_rows, loaded_rows
from readings
where
    logged_rows <> loaded_rows
    and (
        newest_logged_at is null
        or requested_at >= newest_logged_at
        {%- if keeps_readings %}
        or logged_at is not null
        {%- endif %}
    )
{% endtest %}
