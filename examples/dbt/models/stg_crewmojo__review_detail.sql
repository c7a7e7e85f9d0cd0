{{ current_rows('review_detail') }}
