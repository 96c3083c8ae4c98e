-- How many cells, and how much of the usage, were withheld on each level of the taxonomy?
WITH counted AS (
    SELECT replace(detail, 'level: ', '') AS unit_level, measure, value, base_value, share
    FROM coverage
    WHERE quarter = $quarter AND measure IN ('released_cells', 'withheld_cells', 'withheld_usage')
)
SELECT unit_level,
       max(value) FILTER (measure = 'released_cells') AS released_cell_count,
       max(value) FILTER (measure = 'withheld_cells') AS withheld_cell_count,
       max(value) FILTER (measure = 'withheld_usage') AS withheld_usage,
       max(base_value) FILTER (measure = 'withheld_usage') AS all_usage,
       max(share) FILTER (measure = 'withheld_usage') AS withheld_usage_share
FROM counted
GROUP BY unit_level
ORDER BY coalesce(list_position(['all', 'major', 'minor', 'broad', 'occupation', 'task'],
                                unit_level), 99), unit_level;
