{#- Readings of windows of which the target holds other rows than the tap has sent. A reading without
    a record in the log is of a run that ended in the middle of the window. -#}
{% macro differing_readings(loaded) -%}
{%- set first_day = "cast(cast(_sdc_report_start_date as date) as varchar)" -%}
with sent as (
    select
        case when window_end is not null then cast(window_start as varchar) else '' end as window_start,
        cast(requested_at as timestamp) as requested_at,
        cast(row_count as integer) as row_count
    from {{ source('crewmojo', 'report_windows') }}
    where stream = '{{ loaded.identifier }}'
),

held as (
    select
        {{ first_day if is_windowed(loaded) else "''" }} as window_start,
        cast(_sdc_report_datetime as timestamp) as requested_at,
        count(*) as rows_held
    from {{ loaded }}
    group by 1, 2
),

readings as (
    select
        window_start,
        requested_at,
        row_count,
        rows_held,
        max(case when row_count is not null then requested_at end)
            over (partition by window_start) as newest
    from sent
    full join held using (window_start, requested_at)
)

select *
from readings
where coalesce(row_count, 0) <> coalesce(rows_held, 0)
{%- endmacro %}


{#- Files keep the rows of all readings. In a table, a reading overwrites the rows of those before. -#}
{% macro keeps_readings() -%}
{{ return(target.type == 'duckdb') }}
{%- endmacro %}
