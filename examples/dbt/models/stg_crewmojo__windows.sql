with readings as (
    select
        *,
        row_number() over (
            -- A full-table report has one window, on whichever day it was requested.
            partition by stream, case when window_end is not null then window_start end
            order by cast(requested_at as timestamp) desc
        ) as age
    from {{ source('crewmojo', 'report_windows') }}
)

select
    stream,
    report,
    cast(window_start as date) as window_start,
    cast(window_end as date) as window_end,
    cast(requested_at as timestamp) as requested_at,
    cast(row_count as integer) as row_count,
    cast(empty_row_count as integer) as empty_row_count,
    cast(variant_count as integer) as variant_count,
    cast(column_count as integer) as column_count,
    cast(job_count as integer) as job_count,
    cast(seconds as double precision) as seconds
from readings
where age = 1
