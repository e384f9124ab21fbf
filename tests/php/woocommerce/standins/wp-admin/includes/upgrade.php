<?php // dbDelta() stands in standins/wpdb.php.
