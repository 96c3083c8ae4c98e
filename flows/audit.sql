-- The figures of one quarter as anyone can read them off the released tables, a row per cell. $told:
-- the words in `suppression` of cells that tell something; cells withheld to protect others do not.
SELECT 'occupation' AS unit_level, onet_soc_code AS unit_id, allocation_rule, 'all' AS pattern, usage
FROM occupation_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT soc_level, soc_code, allocation_rule, 'all', usage
FROM soc_group_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT 'task', task_id::VARCHAR, 'split', 'all', usage
FROM task_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT 'occupation', 'all', allocation_rule, 'all', base_usage
FROM occupation_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT soc_level, 'all', allocation_rule, 'all', base_usage
FROM soc_group_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT 'task', 'all', 'split', 'all', base_usage
FROM task_shares WHERE quarter = $quarter AND suppression IN $told
UNION ALL
SELECT DISTINCT 'all', 'all', 'split', 'all', base_usage
FROM collaboration_shares
WHERE quarter = $quarter AND unit_level = 'all' AND pattern_base = 'all'
UNION ALL
SELECT unit_level, unit_id, allocation_rule, pattern, usage
FROM collaboration_shares
WHERE quarter = $quarter AND pattern_base = 'all' AND suppression IN $told
UNION ALL
SELECT 'all', measure, 'split', 'all', value
FROM coverage
WHERE quarter = $quarter AND stage = 'match' AND measure IN ('none', 'not_classified');
