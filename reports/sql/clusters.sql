-- Which thirty clusters hold most conversations?
SELECT cluster_id, label, conversation_count
FROM clusters
WHERE quarter = $quarter AND suppression = 'none'
ORDER BY conversation_count DESC, cluster_id
LIMIT 30;
