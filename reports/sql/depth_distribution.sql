-- Which share of the occupations has at least a given depth of use?
SELECT at_least::DOUBLE AS at_least, occupation_count, occupation_share, definition,
       (SELECT count(*) FROM task_depth WHERE quarter = $quarter) AS all_occupation_count,
       (SELECT sum(used_task_count) FROM task_depth WHERE quarter = $quarter)::BIGINT
           AS used_task_count
FROM depth_distribution
WHERE quarter = $quarter
ORDER BY at_least;
