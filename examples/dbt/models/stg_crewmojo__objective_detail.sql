{{ current_rows('objective_detail') }}
