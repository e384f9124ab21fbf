<?php
/**
 * Amounts with their cents.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * A shop that shows whole units rounds an order's amounts whenever it writes or reads them.
 */
class Storebridge_Cents {

	/**
	 * Does something while amounts keep two decimals at least.
	 *
	 * @param callable $act What to do.
	 * @return mixed What it returns.
	 */
	public static function kept( $act ) {
		$exact = function ( $decimals ) {
			return max( 2, (int) $decimals );
		};
		add_filter( 'wc_get_price_decimals', $exact, 999 );
		try {
			return $act();
		} finally {
			remove_filter( 'wc_get_price_decimals', $exact, 999 );
		}
	}
}
