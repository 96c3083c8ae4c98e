-- How does the usage spread over SOC major groups, by both allocation rules?
SELECT split.soc_code, split.soc_title, split.share, split.share_lower, split.share_upper,
       split.corrected_share, split.corrected_lower, split.corrected_upper, split.task_equal_share, split.conversation_count, split.base_usage,
       split.uncapped_share, whole.share AS full_share, whole.base_usage AS full_base_usage
FROM soc_group_shares AS split
LEFT JOIN soc_group_shares AS whole
       ON whole.quarter = split.quarter AND whole.soc_level = split.soc_level
      AND whole.soc_code = split.soc_code AND whole.allocation_rule = 'full'
WHERE split.quarter = $quarter AND split.soc_level = 'major' AND split.allocation_rule = 'split'
ORDER BY split.share DESC NULLS LAST, split.soc_code;
