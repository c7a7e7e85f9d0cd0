{#- Each window begins on the day after the one before. Otherwise the target has lost what is between
    them: the rows, and the records in the window log. -#}
{% test every_window_arrived(model) %}
with windows as (
    select
        cast(window_start as date) as window_start,
        max(cast(window_end as date)) as window_end
    from {{ source('crewmojo', 'report_windows') }}
    where stream = '{{ model.identifier }}' and window_end is not null
    group by 1
),

neighbours as (
    select
        window_start,
        lag(window_end) over (order by window_start) as window_end_before
    from windows
)

select window_end_before, window_start
from neighbours
where window_start > window_end_before + 1
{% endtest %}
