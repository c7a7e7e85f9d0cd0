{{ current_rows('oneonone_detail') }}
