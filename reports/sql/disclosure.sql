-- What did disclosure control do to this quarter, and what did the attack on it find?
SELECT measure, value, description
FROM disclosure
WHERE quarter = $quarter
ORDER BY coalesce(list_position(['removed_conversations', 'removed_share', 'complementary_cells',
                                 'rounding_reach', 'attacked_figures', 'wanted_interval',
                                 'narrowest_interval', 'one_account_detection', 'epsilon',
                                 'epsilon_spent', 'epsilon_total', 'guess_limit', 'account_limit',
                                 'noise_scale', 'measured_cells', 'too_noisy_cells'], measure), 99),
         measure;
