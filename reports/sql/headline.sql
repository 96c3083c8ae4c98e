-- Which share of the usage automates work, which augments it, and how did both change since the
-- quarter before, on each base?
SELECT this.pattern_base, this.pattern AS mode, this.share, this.share_lower, this.share_upper,
       this.corrected_share, this.corrected_lower, this.corrected_upper, this.base_usage, this.withheld_pattern_count, this.suppression,
       before.share AS previous_share, (this.share - before.share) * 100 AS change_points
FROM collaboration_shares AS this
LEFT JOIN collaboration_shares AS before
       ON before.quarter = (SELECT max(quarter) FROM releases WHERE quarter < $quarter)
      AND before.unit_level = this.unit_level AND before.unit_id = this.unit_id
      AND before.allocation_rule = this.allocation_rule
      AND before.pattern_base = this.pattern_base AND before.pattern = this.pattern
WHERE this.quarter = $quarter AND this.unit_level = 'all' AND this.unit_id = 'all'
  AND this.pattern IN ('automation', 'augmentation')
ORDER BY list_position(['five', 'six', 'all'], this.pattern_base), this.pattern DESC;
