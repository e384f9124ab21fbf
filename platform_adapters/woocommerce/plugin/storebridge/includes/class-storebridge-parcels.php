<?php
/**
 * Where tracking numbers stand.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Of many orders in one answer: WooCommerce's own fulfilments, and what the usual plugins write. The bridge decides which
 * counts.
 */
class Storebridge_Parcels {

	const PLUGINS = '_wc_shipment_tracking_items';

	/**
	 * What is known of the parcels of these orders.
	 *
	 * @param int[] $ids Order numbers.
	 * @return array By order number: fulfillments (null where that feature is off) and trackings.
	 */
	public function of( array $ids ) {
		$found = array();
		$on    = true;
		foreach ( $ids as $id ) {
			$order = $id ? wc_get_order( $id ) : false;
			if ( ! $order instanceof WC_Order ) {
				continue;
			}
			$own          = $on ? $this->fulfillments( $id ) : null;
			$on           = null !== $own;
			$trackings    = $order->get_meta( self::PLUGINS );
			$found[ $id ] = array(
				'fulfillments' => $own,
				'trackings'    => is_array( $trackings ) ? array_values( $trackings ) : array(),
			);
		}
		return $found;
	}

	/**
	 * WooCommerce's own, as its REST API shows them.
	 *
	 * @param int $id Order number.
	 * @return array|null Null where the feature is off.
	 */
	private function fulfillments( $id ) {
		$response = rest_do_request( new WP_REST_Request( 'GET', "/wc/v3/orders/$id/fulfillments" ) );
		if ( 200 !== $response->get_status() ) {
			return null;
		}
		$data = rest_get_server()->response_to_data( $response, false );
		return isset( $data['fulfillments'] ) && is_array( $data['fulfillments'] ) ? $data['fulfillments'] : $data;
	}
}
