{% test unique_key(model, columns) %}
{%- set key %}{% for name in columns %}{{ quote_column(name) }}{{ ", " if not loop.last }}{% endfor %}{% endset %}
select {{ key }}, count(*) as row_count
from {{ model }}
group by {{ key }}
having count(*) > 1
{% endtest %}
