-- Which shares have others published, for comparison?
SELECT source, measure, id, base, share FROM reference_shares ORDER BY source, measure, id;
