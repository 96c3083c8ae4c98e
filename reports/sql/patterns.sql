-- How does the usage spread over collaboration patterns, on each base?
SELECT pattern_base, pattern, share, share_lower, share_upper, corrected_share, corrected_lower,
       corrected_upper, conversation_count, base_usage
FROM collaboration_shares
WHERE quarter = $quarter AND unit_level = 'all' AND unit_id = 'all'
  AND pattern NOT IN ('automation', 'augmentation')
ORDER BY list_position(['five', 'six', 'all'], pattern_base),
         list_position(['directive', 'feedback_loop', 'task_iteration', 'learning', 'validation',
                        'none', 'not_classified'], pattern);
