-- How many rows came in, and what became of them?
SELECT stage, measure, detail, value, base_value, share
FROM coverage
WHERE quarter = $quarter
  AND measure IN ('rows_in', 'rejected', 'accepted', 'removed', 'counted', 'unclustered', 'none',
                  'not_classified')
ORDER BY list_position(['rows_in', 'rejected', 'accepted', 'removed', 'counted', 'unclustered',
                        'none', 'not_classified'], measure),
         stage, value DESC, detail;
