-- How many conversations and accounts are counted, in this quarter and the one before it?
SELECT releases.quarter,
       (SELECT max(base_usage) FROM collaboration_shares AS shares
        WHERE shares.quarter = releases.quarter AND unit_level = 'all' AND unit_id = 'all'
          AND pattern_base = 'all') AS conversation_count,
       (SELECT max(value) FROM coverage
        WHERE coverage.quarter = releases.quarter AND measure = 'accounts') AS account_count
FROM releases
WHERE quarter = $quarter
   OR quarter = (SELECT max(quarter) FROM releases WHERE quarter < $quarter)
ORDER BY quarter DESC;
