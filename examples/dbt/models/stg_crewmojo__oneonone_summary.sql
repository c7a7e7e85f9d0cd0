{{ current_rows('oneonone_summary') }}
