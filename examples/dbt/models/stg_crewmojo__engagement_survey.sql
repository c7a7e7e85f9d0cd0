{{ current_rows('engagement_survey') }}
