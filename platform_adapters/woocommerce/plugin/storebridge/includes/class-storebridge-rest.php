<?php
/**
 * What the bridge may ask of this store.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Routes. The namespace begins with "wc-", so WooCommerce takes its own REST keys here as it does for wc/v3.
 */
class Storebridge_Rest {

	const SPACE = 'wc-storebridge/v1';
	const MOST  = 100;

	/**
	 * How this store is.
	 *
	 * @var Storebridge_Health
	 */
	private $health;

	/**
	 * Connecting.
	 *
	 * @var Storebridge_Connector
	 */
	private $connector;

	/**
	 * Orders of marketplaces.
	 *
	 * @var Storebridge_Orders
	 */
	private $orders;

	/**
	 * Stock by differences.
	 *
	 * @var Storebridge_Stock
	 */
	private $stock;

	/**
	 * Where tracking numbers stand.
	 *
	 * @var Storebridge_Parcels
	 */
	private $parcels;

	/**
	 * Tells the bridge.
	 *
	 * @var Storebridge_Sender
	 */
	private $sender;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Health    $health    How this store is.
	 * @param Storebridge_Connector $connector Connecting.
	 * @param Storebridge_Orders    $orders    Orders of marketplaces.
	 * @param Storebridge_Stock     $stock     Stock by differences.
	 * @param Storebridge_Parcels   $parcels   Where tracking numbers stand.
	 * @param Storebridge_Sender    $sender    Tells the bridge.
	 */
	public function __construct( Storebridge_Health $health, Storebridge_Connector $connector, Storebridge_Orders $orders, Storebridge_Stock $stock, Storebridge_Parcels $parcels, Storebridge_Sender $sender ) {
		$this->health    = $health;
		$this->connector = $connector;
		$this->orders    = $orders;
		$this->stock     = $stock;
		$this->parcels   = $parcels;
		$this->sender    = $sender;
	}

	/**
	 * Hooks up.
	 */
	public function hook() {
		add_action( 'rest_api_init', array( $this, 'routes' ) );
	}

	/**
	 * Who has the code needs no key: it is how the bridge gets one.
	 */
	public function routes() {
		$this->route( 'prove', 'POST', array( $this, 'prove' ), '__return_true' );
		$this->route( 'health', 'GET', array( $this, 'health' ) );
		$this->route( 'orders', 'POST', array( $this, 'create_order' ) );
		$this->route( 'orders/lookup', 'POST', array( $this, 'find_orders' ) );
		$this->route( 'orders/parcels', 'POST', array( $this, 'list_parcels' ) );
		$this->route( 'stock', 'POST', array( $this, 'change_stock' ) );
		$this->route( 'test', 'POST', array( $this, 'send_test' ) );
	}

	/**
	 * Whether the key's owner manages the shop.
	 *
	 * @return bool
	 */
	public function allowed() {
		return current_user_can( 'manage_woocommerce' );
	}

	/**
	 * The callback of connecting.
	 *
	 * @param WP_REST_Request $request The request.
	 * @return WP_REST_Response|WP_Error
	 */
	public function prove( $request ) {
		$code      = $request->get_param( 'code' );
		$challenge = $request->get_param( 'challenge' );
		if ( ! is_string( $code ) || ! is_string( $challenge ) || '' === $challenge || strlen( $challenge ) > 200 ) {
			return self::invalid( 'code', __( 'A code and a challenge are needed.', 'storebridge' ) );
		}
		$proof = $this->connector->prove( $code, $challenge );
		if ( null === $proof ) {
			return new WP_Error( 'storebridge_code', __( 'This code is wrong, was used, or is older than ten minutes.', 'storebridge' ), array( 'status' => 403 ) );
		}
		return $this->uncached( $proof, 200 );
	}

	/**
	 * How this store is.
	 *
	 * @return WP_REST_Response
	 */
	public function health() {
		return $this->uncached( $this->health->body(), 200 );
	}

	/**
	 * An order of a marketplace, once.
	 *
	 * @param WP_REST_Request $request The request.
	 * @return WP_REST_Response|WP_Error
	 */
	public function create_order( $request ) {
		foreach ( array( 'channel', 'external_id', 'ref' ) as $name ) {
			$value = $request->get_param( $name );
			if ( ! is_string( $value ) || '' === $value || strlen( $value ) > ( 'channel' === $name ? 80 : 100 ) ) {
				return self::invalid( $name, __( 'It is missing or too long.', 'storebridge' ) );
			}
		}
		if ( ! is_array( $request->get_param( 'order' ) ) ) {
			return self::invalid( 'order', __( 'It is missing.', 'storebridge' ) );
		}
		$done = Storebridge_Cents::kept(
			function () use ( $request ) {
				return $this->orders->create( $request->get_param( 'channel' ), $request->get_param( 'external_id' ), $request->get_param( 'ref' ), $request->get_param( 'order' ) );
			}
		);
		if ( is_wp_error( $done ) ) {
			return $done;
		}
		$body = array(
			'created' => $done['created'],
			'order'   => self::shown( $done['order_id'] ),
		);
		return $this->uncached( $body, $done['created'] ? 201 : 200 );
	}

	/**
	 * Orders of marketplaces, many at once.
	 *
	 * @param WP_REST_Request $request The request.
	 * @return WP_REST_Response|WP_Error
	 */
	public function find_orders( $request ) {
		$refs = $request->get_param( 'refs' );
		if ( ! is_array( $refs ) || count( $refs ) > self::MOST ) {
			return self::invalid( 'refs', __( 'A list of up to 100 is needed.', 'storebridge' ) );
		}
		$found = array();
		foreach ( $this->orders->find( array_filter( array_map( array( $this, 'one_ref' ), $refs ) ) ) as $ref => $order_id ) {
			$found[] = array(
				'ref'   => (string) $ref,
				'order' => self::shown( $order_id ),
			);
		}
		return $this->uncached( array( 'orders' => $found ), 200 );
	}

	/**
	 * Where tracking numbers stand, for many orders.
	 *
	 * @param WP_REST_Request $request The request.
	 * @return WP_REST_Response|WP_Error
	 */
	public function list_parcels( $request ) {
		$ids = $request->get_param( 'ids' );
		if ( ! is_array( $ids ) || count( $ids ) > self::MOST ) {
			return self::invalid( 'ids', __( 'A list of up to 100 is needed.', 'storebridge' ) );
		}
		return $this->uncached( array( 'orders' => (object) $this->parcels->of( array_map( 'absint', $ids ) ) ), 200 );
	}

	/**
	 * Stock by differences.
	 *
	 * @param WP_REST_Request $request The request.
	 * @return WP_REST_Response|WP_Error
	 */
	public function change_stock( $request ) {
		$key     = $request->get_param( 'key' );
		$changes = $request->get_param( 'changes' );
		if ( ! is_string( $key ) || '' === $key || strlen( $key ) > 80 ) {
			return self::invalid( 'key', __( 'It is missing or too long.', 'storebridge' ) );
		}
		if ( ! is_array( $changes ) || count( $changes ) > self::MOST ) {
			return self::invalid( 'changes', __( 'A list of up to 100 is needed.', 'storebridge' ) );
		}
		return $this->uncached( array( 'changes' => array_map( array( $this->stock, 'change' ), array_fill( 0, count( $changes ), $key ), $changes ) ), 200 );
	}

	/**
	 * An event that changes nothing, sent at once.
	 *
	 * @param WP_REST_Request $request The request.
	 * @return WP_REST_Response|WP_Error
	 */
	public function send_test( $request ) {
		$marker = $request->get_param( 'marker' );
		if ( ! is_string( $marker ) || 1 !== preg_match( '/^[0-9A-Za-z]{1,40}$/D', $marker ) ) {
			return self::invalid( 'marker', __( 'It is missing or too long.', 'storebridge' ) );
		}
		$trouble = $this->sender->send_test( $marker );
		if ( null === $trouble ) {
			return new WP_Error( 'storebridge_not_connected', __( 'This store is not connected.', 'storebridge' ), array( 'status' => 409 ) );
		}
		return $this->uncached( array( 'trouble' => $trouble ), 200 );
	}

	/**
	 * A refusal that names the field, as WordPress words it.
	 *
	 * @param string $field The field.
	 * @param string $text  Why.
	 * @return WP_Error
	 */
	public static function invalid( $field, $text ) {
		$data = array(
			'status' => 400,
			'params' => array( $field => $text ),
		);
		return new WP_Error( 'rest_invalid_param', "$field: $text", $data );
	}

	/**
	 * An order as wc/v3 shows it, to the cent even where the shop shows whole units.
	 *
	 * @param int $order_id Its number.
	 * @return array
	 */
	public static function shown( $order_id ) {
		$request = new WP_REST_Request( 'GET', '/wc/v3/orders/' . $order_id );
		return Storebridge_Cents::kept(
			function () use ( $request ) {
				$request->set_param( 'dp', wc_get_price_decimals() );
				return rest_get_server()->response_to_data( rest_do_request( $request ), false );
			}
		);
	}

	/**
	 * A reference, if it is one.
	 *
	 * @param mixed $given {channel, external_id, ref}.
	 * @return array|null
	 */
	private function one_ref( $given ) {
		if ( ! is_array( $given ) || ! isset( $given['channel'], $given['external_id'], $given['ref'] ) ) {
			return null;
		}
		return array_map( 'strval', array_intersect_key( $given, array_flip( array( 'channel', 'external_id', 'ref' ) ) ) );
	}

	/**
	 * One route.
	 *
	 * @param string   $path     Below the namespace.
	 * @param string   $method   The verb.
	 * @param callable $callback What it does.
	 * @param callable $may      Who may; nobody without a key by default.
	 */
	private function route( $path, $method, $callback, $may = null ) {
		$args = array(
			'methods'             => $method,
			'callback'            => $callback,
			'permission_callback' => null === $may ? array( $this, 'allowed' ) : $may,
		);
		register_rest_route( self::SPACE, '/' . $path, $args );
	}

	/**
	 * An answer that no cache keeps.
	 *
	 * @param array $body   The body.
	 * @param int   $status HTTP status.
	 * @return WP_REST_Response
	 */
	private function uncached( array $body, $status ) {
		$response = new WP_REST_Response( $body, $status );
		$response->header( 'Cache-Control', 'no-store' );
		return $response;
	}
}
