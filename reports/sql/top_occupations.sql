-- Which fifteen occupations hold most of the usage?
SELECT onet_soc_code, occupation_title, share, share_lower, share_upper, task_equal_share,
       conversation_count, base_usage
FROM occupation_shares
WHERE quarter = $quarter AND allocation_rule = 'split' AND suppression = 'none'
ORDER BY share DESC, onet_soc_code
LIMIT 15;
