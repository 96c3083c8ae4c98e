-- By which rules, code and models were this quarter and the one before it made?
SELECT quarter, release_id, platform_and_product, onet_release, taxonomy_notice, account_unit,
       time_basis, conversation_floor, account_floor, rounding_base, account_conversation_limit,
       account_task_limit, disclosure_mode, epsilon, epsilon_spent, epsilon_total, settings_hash, code_version, model_name, model_hash, classifiers_hash,
       constitution_version, package_versions
FROM releases
WHERE quarter = $quarter
   OR quarter = (SELECT max(quarter) FROM releases WHERE quarter < $quarter)
ORDER BY quarter DESC;
