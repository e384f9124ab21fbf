<?php
/**
 * Mails that are not sent.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * WooCommerce writes nothing to the buyer of a marketplace order that says so; the marketplace does.
 */
class Storebridge_Mails {

	const FLAG = '_storebridge_no_mails';

	/**
	 * WC_Email_Customer_Refunded_Order takes this name when it is about a part of an order.
	 */
	const OTHER_NAMES = array( 'customer_partially_refunded_order' );

	/**
	 * Hooks up: every mail to customers, those of other plugins too. What a person sends by hand is left alone.
	 */
	public function hook() {
		add_filter( 'woocommerce_email_classes', array( $this, 'watch' ), 999 );
	}

	/**
	 * Puts a filter on each mail that goes to a customer.
	 *
	 * @param array $emails WC_Email by name.
	 * @return array
	 */
	public function watch( $emails ) {
		$names = self::OTHER_NAMES;
		foreach ( $emails as $email ) {
			$manual = method_exists( $email, 'is_manual' ) && $email->is_manual();
			if ( $email->is_customer_email() && ! $manual ) {
				$names[] = $email->id;
			}
		}
		foreach ( $names as $name ) {
			add_filter( 'woocommerce_email_enabled_' . $name, array( $this, 'allowed' ), 999, 2 );
		}
		return $emails;
	}

	/**
	 * Whether this mail about this order goes out.
	 *
	 * @param bool  $enabled What was decided so far.
	 * @param mixed $about   The order, a refund of it, or something else.
	 * @return bool
	 */
	public function allowed( $enabled, $about ) {
		if ( $about instanceof WC_Order_Refund ) {
			$about = wc_get_order( $about->get_parent_id() );
		}
		if ( $about instanceof WC_Order && 'yes' === $about->get_meta( self::FLAG ) ) {
			return false;
		}
		return $enabled;
	}
}
