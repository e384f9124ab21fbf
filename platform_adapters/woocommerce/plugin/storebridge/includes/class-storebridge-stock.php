<?php
/**
 * Stock by differences.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * "Two fewer" instead of "six": a sale at the same moment is not overwritten. Each difference is applied once.
 */
class Storebridge_Stock {

	const KEEP = 2592000;

	/**
	 * Applies one difference.
	 *
	 * @param string $key    Names the whole change; the same again does nothing.
	 * @param mixed  $change {id, by}.
	 * @return array {id, applied, stock_quantity}, or {id, error}.
	 */
	public function change( $key, $change ) {
		global $wpdb;
		$id      = is_array( $change ) && isset( $change['id'] ) ? absint( $change['id'] ) : 0;
		$by      = is_array( $change ) && isset( $change['by'] ) && is_int( $change['by'] ) ? $change['by'] : 0;
		$product = $id ? wc_get_product( $id ) : false;
		if ( ! $product ) {
			return $this->refused( $id, 'storebridge_product_gone', __( 'This product no longer exists in the store.', 'storebridge' ) );
		}
		if ( ! $product->managing_stock() ) {
			return $this->refused( $id, 'storebridge_stock_not_managed', __( 'The store does not keep stock of this product.', 'storebridge' ) );
		}
		$wpdb->query( 'START TRANSACTION' ); // phpcs:ignore WordPress.DB
		$new = $this->first_time( $key, $id );
		if ( $new && 0 !== $by ) {
			wc_update_product_stock( $product, abs( $by ), $by < 0 ? 'decrease' : 'increase' );
		}
		$wpdb->query( 'COMMIT' ); // phpcs:ignore WordPress.DB
		$after = wc_get_product( $id );
		return array(
			'id'             => $id,
			'applied'        => $new,
			'stock_quantity' => $after ? (int) $after->get_stock_quantity() : 0,
		);
	}

	/**
	 * Whether this change is new, which it is once.
	 *
	 * @param string $key Its name.
	 * @param int    $id  The product.
	 * @return bool
	 */
	private function first_time( $key, $id ) {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_stock' );
		return 1 === $wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO $table (change_key, product_id, happened_at) VALUES (%s, %d, %d)", $key, $id, time() ) ); // phpcs:ignore WordPress.DB
	}

	/**
	 * A refusal of one change; the others go on.
	 *
	 * @param int    $id   The product.
	 * @param string $code Its code.
	 * @param string $text Why.
	 * @return array
	 */
	private function refused( $id, $code, $text ) {
		return array(
			'id'    => $id,
			'error' => array(
				'code'    => $code,
				'message' => $text,
			),
		);
	}

	/**
	 * Forgets changes nobody will repeat any more.
	 */
	public static function prune() {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_stock' );
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE happened_at < %d", time() - self::KEEP ) ); // phpcs:ignore WordPress.DB
	}
}
