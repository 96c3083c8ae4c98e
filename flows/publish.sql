-- Views for the usual questions. Every figure in them stands in a released table.

CREATE VIEW headline AS
SELECT quarter, pattern AS mode, pattern_base, share, share_lower, share_upper, suppression
FROM collaboration_shares
WHERE unit_level = 'all' AND pattern IN ('automation', 'augmentation');

CREATE VIEW top_occupations AS
SELECT quarter, onet_release, onet_soc_code, occupation_title, allocation_rule, base, share,
       share_lower, share_upper, task_equal_share, conversation_count
FROM occupation_shares
WHERE suppression = 'none'
ORDER BY quarter, allocation_rule, share DESC, onet_soc_code;

CREATE VIEW top_tasks AS
SELECT quarter, onet_release, task_id, task_statement, base, share, share_lower, share_upper,
       conversation_count
FROM task_shares
WHERE suppression = 'none'
ORDER BY quarter, share DESC, task_id;

CREATE VIEW automation_by_group AS
SELECT quarter, onet_release, unit_id AS soc_code, unit_title AS soc_title, allocation_rule,
       pattern_base, share AS automation_share, share_lower, share_upper, withheld_pattern_count,
       suppression
FROM collaboration_shares
WHERE unit_level = 'major' AND pattern = 'automation';

CREATE VIEW depth_distribution AS
SELECT quarter, onet_release, at_least,
       count(*) FILTER (depth >= at_least) AS occupation_count,
       count(*) FILTER (depth >= at_least) / count(*) AS occupation_share,
       'core and supplemental tasks, unweighted; at least' AS definition
FROM task_depth, (VALUES (0.1), (0.25), (0.5), (0.75)) AS thresholds (at_least)
GROUP BY quarter, onet_release, at_least;

CREATE VIEW withheld AS
SELECT quarter, stage, measure, detail, value, base_value, share
FROM coverage
WHERE measure IN ('rejected', 'removed', 'unclustered', 'none', 'not_classified',
                  'withheld_cells', 'withheld_usage');

-- The Economic Index's long format (2025-09-15): the first nine columns are the key; percentages
-- are 0 to 100; what was withheld is absent, and absent is not zero.
CREATE VIEW index_long AS
WITH period AS (
    SELECT quarter, platform_and_product,
           make_date(left(quarter, 4)::INTEGER, right(quarter, 1)::INTEGER * 3 - 2, 1) AS date_start
    FROM releases
),
accepted AS (
    -- percentages have as many decimals as all conversations can tell apart
    SELECT DISTINCT quarter, base_usage AS conversations,
           (len((ceil(base_usage)::BIGINT - 1)::VARCHAR) - 2)::INTEGER AS decimals
    FROM collaboration_shares WHERE unit_level = 'all' AND pattern_base = 'all'
),
facts AS (
    -- the Index's task percentages are of all conversations, those without a task included
    SELECT quarter, 'onet_task' AS facet, 0 AS level, 'onet_task' AS prefix,
           task_statement AS cluster_name, conversation_count AS count_value,
           round(conversation_count * 100 / conversations, decimals) AS pct_value
    FROM task_shares JOIN accepted USING (quarter) WHERE suppression = 'none'
    UNION ALL
    SELECT quarter, 'onet_task', 0, 'onet_task', measure, value,
           round(value * 100 / conversations, decimals)
    FROM coverage JOIN accepted USING (quarter)
    WHERE stage = 'match' AND measure IN ('none', 'not_classified')
    UNION ALL
    SELECT quarter, 'collaboration', 0, 'collaboration', pattern, conversation_count, round(share * 100, 10)
    FROM collaboration_shares
    WHERE unit_level = 'all' AND pattern_base = 'all' AND suppression = 'none'
      AND pattern NOT IN ('automation', 'augmentation')
    UNION ALL
    SELECT quarter, 'onet_task::collaboration', 0, 'onet_task_collaboration',
           unit_title || '::' || pattern, conversation_count, round(share * 100, 10)
    FROM collaboration_shares
    WHERE unit_level = 'task' AND pattern_base = 'all' AND suppression = 'none'
      AND pattern NOT IN ('automation', 'augmentation')
    UNION ALL
    SELECT quarter, 'soc_occupation', 0, 'soc', soc_title, NULL, round(share * 100, 10)
    FROM soc_group_shares
    WHERE soc_level = 'major' AND allocation_rule = 'full' AND suppression = 'none'
),
long AS (
    SELECT quarter, facet, level, prefix || '_count' AS variable, cluster_name,
           count_value::DOUBLE AS value
    FROM facts WHERE count_value IS NOT NULL
    UNION ALL
    SELECT quarter, facet, level, prefix || '_pct', cluster_name, pct_value
    FROM facts WHERE pct_value IS NOT NULL
)
SELECT 'GLOBAL' AS geo_id, 'global' AS geography, date_start,
       (date_start + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS date_end, platform_and_product,
       facet, level, variable, cluster_name, value
FROM long JOIN period USING (quarter);
