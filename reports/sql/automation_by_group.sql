-- How much of each SOC major group's usage automates work?
SELECT grp.soc_code, grp.soc_title, modes.share, modes.share_lower, modes.share_upper,
       modes.base_usage, modes.withheld_pattern_count
FROM soc_group_shares AS grp
LEFT JOIN collaboration_shares AS modes
       ON modes.quarter = grp.quarter AND modes.unit_level = 'major'
      AND modes.unit_id = grp.soc_code AND modes.allocation_rule = grp.allocation_rule
      AND modes.pattern_base = 'five' AND modes.pattern = 'automation'
WHERE grp.quarter = $quarter AND grp.soc_level = 'major' AND grp.allocation_rule = 'split'
ORDER BY modes.share DESC NULLS LAST, grp.soc_code;
