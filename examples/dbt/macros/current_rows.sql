{#- The current rows of a report, with typed columns: a row is current unless a later request for its
    window is in the window log. Of files, which keep all readings, the rows of a reading without a
    record in the log are left out, too: it ended in the middle. -#}
{% macro current_rows(report) -%}
{%- set loaded = source('crewmojo', report) -%}
with loaded as (
    select {{ typed_columns(loaded) }}
    from {{ loaded }}
)

select loaded.*
from loaded
left join {{ ref('stg_crewmojo__windows') }} as newest
    on
        newest.stream = '{{ report }}'
        {%- if is_windowed(loaded) %}
        and newest.window_start = loaded._sdc_report_start_date
        {%- endif %}
where
    {%- if keeps_readings() %}
    loaded._sdc_report_datetime = newest.requested_at
    {%- else %}
    newest.requested_at is null
    or loaded._sdc_report_datetime >= newest.requested_at
    {%- endif %}
{%- endmacro %}


{#- The columns of a table in their order, each cast to its `data_type` in the model's properties.
    A declared column that was not loaded yet is null. -#}
{% macro typed_columns(loaded) -%}
{%- set types = {
    '_sdc_report_start_date': 'date',
    '_sdc_report_end_date': 'date',
    '_sdc_report_datetime': 'timestamp',
    '_sdc_row_number': 'integer',
} -%}
{%- for column in model.columns.values() if column.data_type -%}
    {%- do types.update({column.name: column.data_type}) -%}
{%- endfor -%}
{%- set present = column_names(loaded) -%}
{%- for name in present %}
    {%- set quoted = quote_column(name) %}
        {% if name in types %}cast({{ quoted }} as {{ types[name] }}) as {{ quoted }}{% else %}{{ quoted }}{% endif %}
        {{- "," if not loop.last }}
{%- endfor -%}
{%- for column in model.columns.values() if column.name not in present %},
        cast(null as {{ column.data_type or 'text' }}) as {{ quote_column(column.name) }}
{%- endfor -%}
{%- endmacro %}


{#- Whether a table has the rows of a report with windows; a full-table report has none. -#}
{% macro is_windowed(loaded) -%}
{{ return('_sdc_report_start_date' in column_names(loaded)) }}
{%- endmacro %}


{#- The columns of what the tap has loaded: they may grow with each run. -#}
{% macro column_names(loaded) -%}
{{ return(get_columns_in_query('select * from ' ~ loaded) if execute else []) }}
{%- endmacro %}


{% macro quote_column(name) -%}
{{ return(adapter.quote(name | replace('"', '""'))) }}
{%- endmacro %}
