<?php
/** An order of a marketplace is made once, exactly, and whatever dies on the way is brought to its end. */
class OrdersTest extends PluginCase {
	private $orders;
	private $product;

	protected function setUp(): void {
		parent::setUp();
		$this->orders  = new Storebridge_Orders( new Storebridge_Order_Writer() );
		$this->product = WC_Product::make( array( 'name' => 'Chair', 'stock' => 10 ) )->get_id();
	}

	private function given( array $more = array() ) {
		return $more + array(
			'status'         => 'processing',
			'currency'       => 'EUR',
			'billing'        => array( 'first_name' => 'Zoë', 'country' => 'NL' ),
			'shipping'       => array( 'country' => 'NL', 'city' => 'Utrecht' ),
			'line_items'     => array( array( 'product_id' => $this->product, 'name' => 'Chair', 'quantity' => 2, 'total' => '32.98', 'tax' => '6.92', 'tax_class' => '', 'meta_data' => array( array( 'key' => '_storebridge_line', 'value' => 'L1' ) ) ) ),
			'shipping_lines' => array( array( 'method_id' => 'flat_rate', 'instance_id' => '3', 'method_title' => 'bol 1', 'total' => '2.44', 'tax' => '0.51' ) ),
			'total'          => '42.85',
			'mails'          => false,
		);
	}

	private function create( $number = 'A1', array $more = array() ) {
		return $this->orders->create( 'bol', $number, "bol:$number", $this->given( $more ) );
	}

	private function stock() {
		return wc_get_product( $this->product )->get_stock_quantity();
	}

	private function count_orders() {
		global $wpdb;
		return (int) $wpdb->get_var( "SELECT COUNT(*) FROM wp_things WHERE kind = 'order'" );
	}

	/** As if the process had died long ago. */
	private function time_passes() {
		global $wpdb;
		$wpdb->query( 'ROLLBACK' );
		$wpdb->query( 'UPDATE wp_storebridge_orders SET claimed_at = claimed_at - 1000' );
	}

	public function test_the_same_order_however_often_it_is_asked_for() {
		$first = $this->create();
		$again = $this->create();
		$this->assertTrue( $first['created'] );
		$this->assertSame( array( 'created' => false, 'order_id' => $first['order_id'] ), $again );
		$this->assertSame( array( 1, 8 ), array( $this->count_orders(), $this->stock() ) );
	}

	public function test_names_are_taken_to_the_letter() {
		$this->assertNotSame( $this->create( 'a1' )['order_id'], $this->create( 'A1' )['order_id'] );
		$other = $this->orders->create( 'bol-2', 'A1', 'bol-2:A1', $this->given() );
		$this->assertTrue( $other['created'] );
	}

	public function test_amounts_and_taxes_are_as_given() {
		Standin_Shop::$rates = array( 5 => array( 'rate' => 21.0 ) );
		$data                = wc_get_order( $this->create()['order_id'] )->data;
		$this->assertSame( array( '42.85', '6.92', '0.51', '2.44' ), array( $data['total'], $data['cart_tax'], $data['shipping_tax'], $data['shipping_total'] ) );
		$this->assertSame( array( 'total' => array( 5 => '6.92' ), 'subtotal' => array( 5 => '6.92' ) ), $data['items'][0]->data['taxes'] );
		$tax = end( $data['items'] )->data;
		$this->assertSame( array( 5, '6.92', '0.51' ), array( $tax['rate'], $tax['tax_total'], $tax['shipping_tax_total'] ) );
		$this->assertSame( 'yes', $data['meta']['_storebridge_no_mails'] );
		$this->assertSame( 'processing', $data['status'] );
		$this->assertArrayNotHasKey( '_storebridge_unfinished', $data['meta'] );
	}

	public function test_where_several_rates_hold_none_of_them_is_named() {
		Standin_Shop::$rates = array( 5 => array(), 6 => array() );
		$data                = wc_get_order( $this->create()['order_id'] )->data;
		$this->assertSame( array( 0 => '6.92' ), $data['items'][0]->data['taxes']['total'] );
		$this->assertSame( 'STOREBRIDGE-VAT', end( $data['items'] )->data['name'] );
	}

	public function test_a_line_may_be_meant_to_be_of_no_product() {
		$lines = array(
			array( 'product_id' => $this->product, 'name' => 'Chair', 'quantity' => 2, 'total' => '20' ),
			array( 'product_id' => 2147483647, 'name' => 'Stool', 'quantity' => 3, 'total' => '15', 'meta_data' => array( array( 'key' => '_storebridge_no_product', 'value' => 'yes' ), array( 'key' => 'SKU', 'value' => 'ST-1' ) ) ),
		);
		$made  = $this->create( 'F1', array( 'line_items' => $lines, 'shipping_lines' => array(), 'fee_lines' => array(), 'total' => '35' ) );
		$data  = wc_get_order( $made['order_id'] )->data;
		$free  = $data['items'][1]->data;
		$this->assertSame( array( 'Stool', 3, '15', 'ST-1' ), array( $free['name'], $free['quantity'], $free['total'], $free['meta']['SKU'] ) );
		$this->assertArrayNotHasKey( 'product_id', $free );
		$this->assertSame( array( '35.00', 8 ), array( $data['total'], $this->stock() ) );
	}

	public static function refused() {
		return array(
			'the sum is another' => array( array( 'total' => '42.84' ), 'storebridge_total', 'total' ),
			'no product'         => array( array( 'line_items' => array( array( 'product_id' => 999, 'name' => 'Gone', 'quantity' => 1, 'total' => '1' ) ) ), 'storebridge_product_gone', 'product_id' ),
			'no quantity'        => array( array( 'line_items' => array( array( 'product_id' => 1, 'name' => 'Chair', 'quantity' => 0, 'total' => '1' ) ) ), 'rest_invalid_param', 'quantity' ),
			'no amount'          => array( array( 'total' => '1e3' ), 'rest_invalid_param', 'total' ),
			'no e-mail address'  => array( array( 'billing' => array( 'email' => 'nobody' ) ), 'wc_data', 'order' ),
		);
	}

	/** @dataProvider refused */
	public function test_what_makes_no_sense_leaves_nothing( array $more, $code, $field ) {
		$error = $this->create( 'B1', $more );
		$this->assertSame( array( $code, 400 ), array( $error->code, $error->data['status'] ) );
		$this->assertArrayHasKey( $field, $error->data['params'] );
		$this->assertSame( array( 0, 10 ), array( $this->count_orders(), $this->stock() ) );
		$this->assertTrue( $this->create( 'B1' )['created'] );
	}

	public function test_another_that_is_at_it_is_told() {
		$seen = null;
		add_action(
			'woocommerce_new_order',
			function () use ( &$seen ) {
				$seen = $seen ? $seen : $this->create();
			}
		);
		$first = $this->create();
		$this->assertSame( array( 'storebridge_in_progress', 409 ), array( $seen->code, $seen->data['status'] ) );
		$this->assertSame( array( 1, 8 ), array( $this->count_orders(), $this->stock() ) );
		$this->assertTrue( $first['created'] );
	}

	public static function places() {
		return array( array( 'before saving' ), array( 'after saving' ), array( 'before the stock' ) );
	}

	/** @dataProvider places */
	public function test_wherever_it_dies_the_next_one_ends_it( $place ) {
		Standin_Shop::$dies = $place;
		try {
			( new Dying_Orders() )->create( 'bol', 'C1', 'bol:C1', $this->given() );
			$this->fail( 'it lives' );
		} catch ( Died $died ) {
			$this->assertSame( $place, $died->getMessage() );
		}
		$this->assertSame( 10, $this->stock() );
		$this->assertInstanceOf( WP_Error::class, $this->create( 'C1' ) );
		$this->time_passes();
		$order = $this->create( 'C1' );
		$this->assertSame( array( 1, 8 ), array( $this->count_orders(), $this->stock() ) );
		$this->assertSame( 'processing', wc_get_order( $order['order_id'] )->data['status'] );
		$this->assertSame( $order['order_id'], $this->create( 'C1' )['order_id'] );
	}

	public function test_a_lookup_ends_what_was_left_half_way() {
		Standin_Shop::$dies = 'before the stock';
		try {
			( new Dying_Orders() )->create( 'bol', 'D1', 'bol:D1', $this->given() );
		} catch ( Died $died ) {
			$ref = array( array( 'channel' => 'bol', 'external_id' => 'D1', 'ref' => 'bol:D1' ) );
			$this->assertSame( array(), $this->orders->find( $ref ) );
			$this->time_passes();
			$this->assertCount( 1, $this->orders->find( $ref ) );
		}
		$this->assertSame( array( 1, 8 ), array( $this->count_orders(), $this->stock() ) );
	}

	public function test_tables_without_transactions_are_healed_too() {
		$half                                       = new WC_Order();
		$half->data['meta']['_storebridge_order']      = 'bol:E1';
		$half->data['meta']['_storebridge_unfinished'] = 'processing';
		$half->save();
		$this->assertTrue( $this->create( 'E1' )['created'] );
		$this->assertSame( array( 1, 8 ), array( $this->count_orders(), $this->stock() ) );
	}

	public function test_one_made_before_the_plugin_is_known() {
		$old                                      = new WC_Order();
		$old->data['meta']['_storebridge_order']   = 'bol:F1';
		$old->save();
		$this->assertSame( array( 'created' => false, 'order_id' => $old->get_id() ), $this->create( 'F1' ) );
		$found = $this->orders->find( array( array( 'channel' => 'bol', 'external_id' => 'F1', 'ref' => 'bol:F1' ), array( 'channel' => 'bol', 'external_id' => 'F2', 'ref' => 'bol:F2' ) ) );
		$this->assertSame( array( 'bol:F1' => $old->get_id() ), $found );
	}

	public function test_one_in_the_bin_is_made_anew() {
		$first = wc_get_order( $this->create( 'G1' )['order_id'] );
		$first->set_status( 'trash' );
		$first->save();
		$second = $this->create( 'G1' );
		$this->assertTrue( $second['created'] );
		$this->assertNotSame( $first->get_id(), $second['order_id'] );
	}

	public function test_the_routes_want_a_key_and_name_what_is_wrong() {
		$health    = new Storebridge_Health( $this->settings, $this->outbox );
		$connector = new Storebridge_Connector( $this->settings, $this->bridge );
		$rest      = new Storebridge_Rest( $health, $connector, $this->orders, new Storebridge_Stock(), new Storebridge_Parcels(), $this->sender );
		$rest->routes();
		foreach ( World::$routes as $path => $route ) {
			$open = '__return_true' === $route['permission_callback'];
			$this->assertSame( 'POST wc-storebridge/v1/prove' === $path, $open, $path );
		}
		foreach ( array( null, '', 'a b', "abc\n", str_repeat( 'a', 41 ) ) as $marker ) {
			$this->assertSame( 400, $rest->send_test( new WP_REST_Request( 'POST', 'test', array( 'marker' => $marker ) ) )->data['status'] );
		}
		$this->assertSame( 409, $rest->send_test( new WP_REST_Request( 'POST', 'test', array( 'marker' => 'abc1' ) ) )->data['status'] );
		World::$user = null;
		$this->assertFalse( $rest->allowed() );
		Standin_Shop::$decimals = 0;
		$made = $rest->create_order( new WP_REST_Request( 'POST', '', array( 'channel' => 'bol', 'external_id' => 'H1', 'ref' => 'bol:H1', 'order' => $this->given() ) ) );
		$this->assertSame( array( 201, true, '42.85' ), array( $made->status, $made->data['created'], $made->data['order']['total'] ) );
		$this->assertSame( 'no-store', $made->headers['Cache-Control'] );
		$error = $rest->create_order( new WP_REST_Request( 'POST', '', array( 'channel' => 'bol', 'external_id' => '', 'ref' => 'x' ) ) );
		$this->assertArrayHasKey( 'external_id', $error->data['params'] );
		$found = $rest->find_orders( new WP_REST_Request( 'POST', '', array( 'refs' => array( array( 'channel' => 'bol', 'external_id' => 'H1', 'ref' => 'bol:H1' ), 'nonsense' ) ) ) );
		$this->assertSame( array( 'bol:H1' ), array_column( $found->data['orders'], 'ref' ) );
		$this->assertSame( 400, $rest->change_stock( new WP_REST_Request( 'POST', '', array( 'changes' => array() ) ) )->data['status'] );
		$this->assertSame( '1.0.0', $rest->health()->data['version'] );
	}

	public function test_stock_by_differences_is_applied_once() {
		$stock  = new Storebridge_Stock();
		$change = array( 'id' => $this->product, 'by' => -3 );
		$this->assertSame( array( 'id' => $this->product, 'applied' => true, 'stock_quantity' => 7 ), $stock->change( 'k1', $change ) );
		$this->assertSame( array( 'id' => $this->product, 'applied' => false, 'stock_quantity' => 7 ), $stock->change( 'k1', $change ) );
		$this->assertSame( 8, $stock->change( 'k2', array( 'id' => $this->product, 'by' => 1 ) )['stock_quantity'] );
		$untracked = WC_Product::make( array( 'name' => 'Download' ) )->get_id();
		$this->assertSame( 'storebridge_stock_not_managed', $stock->change( 'k3', array( 'id' => $untracked, 'by' => 1 ) )['error']['code'] );
		$this->assertSame( 'storebridge_product_gone', $stock->change( 'k3', array( 'id' => 999, 'by' => 1 ) )['error']['code'] );
	}

	public function test_parcels_of_many_orders() {
		$ids     = array( $this->create( 'P1' )['order_id'], $this->create( 'P2' )['order_id'] );
		$parcels = new Storebridge_Parcels();
		$this->assertSame( array( null, null ), array_column( $parcels->of( $ids ), 'fulfillments' ) );
		Standin_Shop::$fulfillments = array( $ids[1] => array( array( 'id' => 4 ) ) );
		$this->assertSame( array( array(), array( array( 'id' => 4 ) ) ), array_column( $parcels->of( $ids ), 'fulfillments' ) );
		$this->assertSame( array(), $parcels->of( array( 0, 999 ) ) );
	}

	public function test_mails_to_buyers_are_kept_back_where_the_order_says_so() {
		$mails = new Storebridge_Mails();
		$mails->hook();
		$kinds  = array( 'customer_processing_order' => array( true, false ), 'new_order' => array( false, false ), 'customer_invoice' => array( true, true ) );
		$emails = array();
		foreach ( $kinds as $id => list( $customer, $manual ) ) {
			$emails[ $id ] = new Standin_Email( $id, $customer, $manual );
		}
		apply_filters( 'woocommerce_email_classes', $emails );
		$order  = wc_get_order( $this->create( 'M1' )['order_id'] );
		$spoken = wc_get_order( $this->create( 'M2', array( 'mails' => true ) )['order_id'] );
		$refund = ( new WC_Order_Refund() )->read( 99, array( 'status' => 'completed', 'meta' => array(), 'parent' => $order->get_id() ) );
		$this->assertFalse( apply_filters( 'woocommerce_email_enabled_customer_processing_order', true, $order ) );
		$this->assertFalse( apply_filters( 'woocommerce_email_enabled_customer_partially_refunded_order', true, $refund ) );
		$this->assertTrue( apply_filters( 'woocommerce_email_enabled_customer_processing_order', true, $spoken ) );
		$this->assertTrue( apply_filters( 'woocommerce_email_enabled_customer_processing_order', true, null ) );
		$this->assertTrue( apply_filters( 'woocommerce_email_enabled_new_order', true, $order ) );
		$this->assertTrue( apply_filters( 'woocommerce_email_enabled_customer_invoice', true, $order ) );
	}
}

/** A process that is killed runs no catch and no finally: the transaction is left to the database. */
class Dying_Orders extends Storebridge_Orders {
	public function __construct() {
		parent::__construct( new Storebridge_Order_Writer() );
	}

	public function create( $channel, $external_id, $ref, array $given ) {
		$answer = parent::create( $channel, $external_id, $ref, $given );
		if ( $answer instanceof WP_Error && 500 === $answer->data['status'] ) {
			// What the catch has cleared away is put back: the claim of a process that is no more.
			global $wpdb;
			$wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO wp_storebridge_orders (channel, external_id, order_id, state, token, claimed_at) VALUES (%s, %s, 0, 'claimed', 'dead', %d)", $channel, $external_id, time() ) );
			throw new Died( $answer->message );
		}
		return $answer;
	}
}

class Standin_Email {
	public $id;
	private $customer;
	private $manual;
	public function __construct( $id, $customer, $manual ) {
		list( $this->id, $this->customer, $this->manual ) = array( $id, $customer, $manual );
	}
	public function is_customer_email() {
		return $this->customer;
	}
	public function is_manual() {
		return $this->manual;
	}
}
