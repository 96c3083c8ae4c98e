-- The figures of one quarter as anyone can read them off the released tables, a row per cell, with
-- why it is withheld. $told: the words in `suppression` of the cells that are wanted.
SELECT 'occupation' AS unit_level, onet_soc_code AS unit_id, allocation_rule, 'all' AS pattern, usage, suppression
FROM occupation_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT soc_level, soc_code, allocation_rule, 'all', usage, suppression
FROM soc_group_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT 'task', task_id::VARCHAR, 'split', 'all', usage, suppression
FROM task_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT 'occupation', 'all', allocation_rule, 'all', base_usage, 'none'
FROM occupation_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT soc_level, 'all', allocation_rule, 'all', base_usage, 'none'
FROM soc_group_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT 'task', 'all', 'split', 'all', base_usage, 'none'
FROM task_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT 'all', 'all', 'split', 'all', base_usage, 'none'
FROM collaboration_shares
WHERE quarter = $quarter AND unit_level = 'all' AND pattern_base = 'all'
UNION ALL
SELECT unit_level, unit_id, allocation_rule, pattern, usage, suppression
FROM collaboration_shares
WHERE quarter = $quarter AND pattern_base = 'all' AND suppression IN $told
UNION ALL
SELECT 'all', measure, 'split', 'all', value, 'none'
FROM coverage
WHERE quarter = $quarter AND stage = 'match' AND measure IN ('none', 'not_classified');
