{{ current_rows('people_directory') }}
