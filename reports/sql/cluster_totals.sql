-- How many clusters are released, and how many withheld?
SELECT count(*) FILTER (suppression = 'none') AS released_count,
       count(*) FILTER (suppression <> 'none') AS withheld_count
FROM clusters
WHERE quarter = $quarter;
