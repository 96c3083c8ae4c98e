-- Which quarters does the database hold?
SELECT quarter FROM releases ORDER BY quarter;
