-- Which twenty tasks hold most of the usage?
SELECT task_id, task_statement, occupation_count, share, share_lower, share_upper,
       conversation_count, base_usage
FROM task_shares
WHERE quarter = $quarter AND suppression = 'none'
ORDER BY share DESC, task_id
LIMIT 20;
