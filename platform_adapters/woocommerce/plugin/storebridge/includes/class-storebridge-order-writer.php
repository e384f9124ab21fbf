<?php
/**
 * Writes an order exactly as it is given.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Lines, taxes and totals to the cent. WooCommerce would compute them anew from this store's tax settings; the
 * marketplace's are authoritative, so nothing is computed here but the sum, which must be what the buyer paid.
 */
class Storebridge_Order_Writer {

	const SCALE      = 10000;
	const NO_PRODUCT = '_storebridge_no_product';
	const STATUSES   = array( 'processing', 'on-hold', 'completed' );
	const ADDRESS    = array( 'first_name', 'last_name', 'company', 'address_1', 'address_2', 'city', 'state', 'postcode', 'country', 'phone', 'email' );

	/**
	 * Tax by rate, of goods and of shipping, while an order is written.
	 *
	 * @var array
	 */
	private $taxes = array();

	/**
	 * The sum of everything, in ten-thousandths.
	 *
	 * @var int
	 */
	private $sum = 0;

	/**
	 * Where the goods go, which decides the rate.
	 *
	 * @var array
	 */
	private $place = array();

	/**
	 * The order, saved, pending, with no stock taken.
	 *
	 * @param string $ref   What is written into it, by which it is found.
	 * @param array  $given The order.
	 * @return WC_Order
	 * @throws Storebridge_Refusal When it cannot be made as it is.
	 */
	public function write( $ref, array $given ) {
		try {
			return $this->saved( $ref, $given );
		} catch ( WC_Data_Exception $error ) {
			throw new Storebridge_Refusal( $error->getErrorCode(), $error->getMessage(), 'order' );
		}
	}

	/**
	 * Does the work of write().
	 *
	 * @param string $ref   The reference.
	 * @param array  $given The order.
	 * @return WC_Order
	 * @throws Storebridge_Refusal When it cannot be made as it is.
	 */
	private function saved( $ref, array $given ) {
		$this->taxes = array();
		$this->sum   = 0;
		$order       = new WC_Order();
		$this->head( $order, $given );
		$this->place = $this->tax_place( $given );
		$this->lines( $order, $given );
		$this->totals( $order, $given );
		$status = isset( $given['status'] ) && in_array( $given['status'], self::STATUSES, true ) ? $given['status'] : 'processing';
		$order->update_meta_data( Storebridge_Orders::REF, $ref );
		$order->update_meta_data( Storebridge_Orders::UNFINISHED, $status );
		if ( isset( $given['mails'] ) && false === $given['mails'] ) {
			$order->update_meta_data( Storebridge_Mails::FLAG, 'yes' );
		}
		foreach ( self::rows( $given, 'meta_data' ) as $meta ) {
			$order->update_meta_data( (string) $meta['key'], $meta['value'] );
		}
		$order->set_status( 'pending' );
		$order->save();
		return $order;
	}

	/**
	 * Addresses, payment, currency.
	 *
	 * @param WC_Order $order The order.
	 * @param array    $given What was given.
	 */
	private function head( $order, array $given ) {
		$order->set_created_via( 'storebridge' );
		$order->set_currency( self::text( $given, 'currency' ) );
		$order->set_payment_method( self::text( $given, 'payment_method' ) );
		$order->set_payment_method_title( self::text( $given, 'payment_method_title' ) );
		$order->set_transaction_id( self::text( $given, 'transaction_id' ) );
		$order->set_customer_note( self::text( $given, 'customer_note' ) );
		$order->set_prices_include_tax( wc_prices_include_tax() );
		foreach ( array( 'billing', 'shipping' ) as $kind ) {
			foreach ( self::ADDRESS as $name ) {
				$setter = "set_{$kind}_{$name}";
				if ( isset( $given[ $kind ][ $name ] ) && is_callable( array( $order, $setter ) ) ) {
					$order->$setter( wp_strip_all_tags( (string) $given[ $kind ][ $name ] ) );
				}
			}
		}
	}

	/**
	 * Lines of every kind.
	 *
	 * @param WC_Order $order The order.
	 * @param array    $given What was given.
	 * @throws Storebridge_Refusal When a product is gone.
	 */
	private function lines( $order, array $given ) {
		foreach ( self::rows( $given, 'line_items' ) as $line ) {
			$order->add_item( $this->goods( $line ) );
		}
		foreach ( self::rows( $given, 'shipping_lines' ) as $line ) {
			$item = new WC_Order_Item_Shipping();
			$item->set_method_title( self::text( $line, 'method_title' ) );
			$item->set_method_id( self::text( $line, 'method_id' ) );
			$item->set_instance_id( self::text( $line, 'instance_id' ) );
			$item->set_total( self::text( $line, 'total', '0' ) );
			$this->tax( $item, $line, true );
			$order->add_item( $item );
		}
		foreach ( self::rows( $given, 'fee_lines' ) as $line ) {
			$item = new WC_Order_Item_Fee();
			$item->set_name( self::text( $line, 'name' ) );
			$item->set_amount( self::text( $line, 'total', '0' ) );
			$item->set_total( self::text( $line, 'total', '0' ) );
			$this->tax( $item, $line, false );
			$order->add_item( $item );
		}
	}

	/**
	 * A line of goods: only ever of a product that exists, or of none where that is meant.
	 *
	 * @param array $line What was given.
	 * @return WC_Order_Item_Product
	 * @throws Storebridge_Refusal When the product is gone.
	 */
	private function goods( array $line ) {
		$variation = (int) self::text( $line, 'variation_id', '0' );
		$product   = wc_get_product( $variation ? $variation : (int) self::text( $line, 'product_id', '0' ) );
		$quantity  = (int) self::text( $line, 'quantity', '0' );
		$name      = self::text( $line, 'name' );
		$without   = self::is_without_product( $line );
		if ( ! $without && ( ! $product || 'trash' === $product->get_status() ) ) {
			/* translators: %s: product name */
			throw new Storebridge_Refusal( 'storebridge_product_gone', sprintf( __( '%s no longer exists in the store.', 'storebridge' ), $name ), 'product_id' );
		}
		if ( $quantity < 1 ) {
			throw new Storebridge_Refusal( 'rest_invalid_param', __( 'A line needs a quantity of at least 1.', 'storebridge' ), 'quantity' );
		}
		$item = new WC_Order_Item_Product();
		if ( ! $without ) {
			$item->set_product( $product );
		}
		$item->set_name( '' === $name && ! $without ? $product->get_name() : $name );
		$item->set_quantity( $quantity );
		$item->set_subtotal( self::text( $line, 'subtotal', self::text( $line, 'total', '0' ) ) );
		$item->set_total( self::text( $line, 'total', '0' ) );
		foreach ( self::rows( $line, 'meta_data' ) as $meta ) {
			$item->update_meta_data( (string) $meta['key'], $meta['value'] );
		}
		$this->tax( $item, $line, false );
		return $item;
	}

	/**
	 * Whether a line is meant to be of no product: it takes no stock.
	 *
	 * @param array $line What was given.
	 * @return bool
	 */
	private static function is_without_product( array $line ) {
		$meta = array_column( self::rows( $line, 'meta_data' ), 'value', 'key' );
		return isset( $meta[ self::NO_PRODUCT ] ) && 'yes' === $meta[ self::NO_PRODUCT ];
	}

	/**
	 * The tax of a line as it is given, under this store's rate for that place where there is exactly one.
	 *
	 * @param WC_Order_Item $item     The line.
	 * @param array         $line     What was given.
	 * @param bool          $shipping Whether it is shipping.
	 */
	private function tax( $item, array $line, $shipping ) {
		$total      = self::text( $line, 'total', '0' );
		$this->sum += self::units( $total );
		$tax        = self::text( $line, 'tax' );
		$class      = self::text( $line, 'tax_class' );
		if ( ! $shipping && isset( $line['tax_class'] ) ) {
			// "0" is no class and passes all the same: such a line stays untaxed when a person has the order computed anew.
			$item->set_tax_class( $class );
		}
		if ( '' === $tax ) {
			if ( is_callable( array( $item, 'set_tax_status' ) ) ) {
				$item->set_tax_status( 'none' );
			}
			return;
		}
		$rate     = $this->rate( $class );
		$amounts  = array( $rate => $tax );
		$subtotal = $item instanceof WC_Order_Item_Product ? array( 'subtotal' => $amounts ) : array();
		$item->set_taxes( array( 'total' => $amounts ) + $subtotal );
		$this->sum += self::units( $tax );
		$kind       = $shipping ? 'shipping' : 'goods';
		if ( ! isset( $this->taxes[ $rate ] ) ) {
			$this->taxes[ $rate ] = array(
				'goods'    => 0,
				'shipping' => 0,
				'percent'  => self::text( $line, 'percent' ),
			);
		}
		$this->taxes[ $rate ][ $kind ] += self::units( $tax );
	}

	/**
	 * The number of the one rate that holds there; 0 where there is none, or several.
	 *
	 * @param string $tax_class Its class; empty is the standard one.
	 * @return int
	 */
	private function rate( $tax_class ) {
		$found = '' === $this->place['country'] ? array() : WC_Tax::find_rates( $this->place + array( 'tax_class' => $tax_class ) );
		return 1 === count( $found ) ? (int) key( $found ) : 0;
	}

	/**
	 * Where the rate is looked up.
	 *
	 * @param array $given What was given.
	 * @return array
	 */
	private function tax_place( array $given ) {
		$address = isset( $given['shipping'] ) && is_array( $given['shipping'] ) ? $given['shipping'] : array();
		$country = self::text( $given, 'tax_country', self::text( $address, 'country' ) );
		$same    = self::text( $address, 'country' ) === $country;
		return array(
			'country'  => $country,
			'state'    => $same ? self::text( $address, 'state' ) : '',
			'postcode' => $same ? self::text( $address, 'postcode' ) : '',
			'city'     => $same ? self::text( $address, 'city' ) : '',
		);
	}

	/**
	 * Totals, which must be what the buyer paid.
	 *
	 * @param WC_Order $order The order.
	 * @param array    $given What was given.
	 * @throws Storebridge_Refusal When lines and total differ.
	 */
	private function totals( $order, array $given ) {
		$total = self::text( $given, 'total', '0' );
		if ( self::units( $total ) !== $this->sum ) {
			/* translators: 1: sum of the lines, 2: total */
			$text = sprintf( __( 'The lines make %1$s, and the total is %2$s.', 'storebridge' ), self::amount( $this->sum ), $total );
			throw new Storebridge_Refusal( 'storebridge_total', $text, 'total' );
		}
		$goods    = array_sum( array_column( $this->taxes, 'goods' ) );
		$shipping = array_sum( array_column( $this->taxes, 'shipping' ) );
		$carriage = array_sum( array_map( array( __CLASS__, 'total_of' ), self::rows( $given, 'shipping_lines' ) ) );
		foreach ( $this->taxes as $rate => $tax ) {
			$order->add_item( $this->tax_line( $rate, $tax ) );
		}
		$order->set_discount_total( '0' );
		$order->set_discount_tax( '0' );
		$order->set_shipping_total( self::amount( $carriage ) );
		$order->set_cart_tax( self::amount( $goods ) );
		$order->set_shipping_tax( self::amount( $shipping ) );
		$order->set_total( $total );
	}

	/**
	 * The line that sums a rate up.
	 *
	 * @param int   $rate Its number; 0 where the store has none of its own.
	 * @param array $tax  Amounts and percentage.
	 * @return WC_Order_Item_Tax
	 */
	private function tax_line( $rate, array $tax ) {
		$item = new WC_Order_Item_Tax();
		if ( $rate ) {
			$item->set_rate( $rate );
		} else {
			$item->set_rate_id( 0 );
			$item->set_name( 'STOREBRIDGE-VAT' );
			$item->set_label( __( 'VAT', 'storebridge' ) );
			$item->set_compound( false );
			$item->set_rate_percent( '' === $tax['percent'] ? null : $tax['percent'] );
		}
		$item->set_tax_total( self::amount( $tax['goods'] ) );
		$item->set_shipping_tax_total( self::amount( $tax['shipping'] ) );
		return $item;
	}

	/**
	 * Ten-thousandths of an amount.
	 *
	 * @param string $amount Decimal.
	 * @return int
	 * @throws Storebridge_Refusal When it is none.
	 */
	private static function units( $amount ) {
		if ( ! preg_match( '/^-?\d{1,12}(\.\d{1,4})?$/D', $amount ) ) {
			/* translators: %s: what was given */
			throw new Storebridge_Refusal( 'rest_invalid_param', sprintf( __( '%s is no amount.', 'storebridge' ), $amount ), 'total' );
		}
		return (int) round( (float) $amount * self::SCALE );
	}

	/**
	 * The total of a line in ten-thousandths.
	 *
	 * @param array $line A line.
	 * @return int
	 */
	private static function total_of( array $line ) {
		return self::units( self::text( $line, 'total', '0' ) );
	}

	/**
	 * Decimal, from ten-thousandths.
	 *
	 * @param int $units Ten-thousandths.
	 * @return string
	 */
	private static function amount( $units ) {
		return rtrim( rtrim( number_format( $units / self::SCALE, 4, '.', '' ), '0' ), '.' );
	}

	/**
	 * A text of what was given.
	 *
	 * @param array  $given   What was given.
	 * @param string $name    Its name.
	 * @param string $default Where there is none.
	 * @return string
	 */
	private static function text( array $given, $name, $default = '' ) {
		return isset( $given[ $name ] ) && is_scalar( $given[ $name ] ) ? (string) $given[ $name ] : $default;
	}

	/**
	 * The rows of a list; what is none is left out.
	 *
	 * @param array  $given What was given.
	 * @param string $name  Its name.
	 * @return array
	 */
	private static function rows( array $given, $name ) {
		return isset( $given[ $name ] ) && is_array( $given[ $name ] ) ? array_values( array_filter( $given[ $name ], 'is_array' ) ) : array();
	}
}
