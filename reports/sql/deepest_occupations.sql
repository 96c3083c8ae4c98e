-- Which ten occupations use the assistant for the largest part of their tasks?
SELECT onet_soc_code, occupation_title, task_count, used_task_count, depth
FROM task_depth
WHERE quarter = $quarter AND used_task_count > 0
ORDER BY depth DESC, used_task_count DESC, onet_soc_code
LIMIT 10;
