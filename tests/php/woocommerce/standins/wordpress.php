<?php
/** WordPress, as far as the plugin calls it. */

class Leave extends Exception {
	public $to;
	public function __construct( $to ) {
		parent::__construct( $to );
		$this->to = $to;
	}
}

class WP_Error {
	public $code;
	public $message;
	public $data;
	public function __construct( $code, $message, $data = array() ) {
		list( $this->code, $this->message, $this->data ) = array( $code, $message, $data );
	}
	public function get_error_message() {
		return $this->message;
	}
}

class WP_User {
	public $ID = 1;
	public $user_login = 'anna';
	public $display_name = 'Anna';
}

class WP_REST_Request {
	private $params;
	private $route;
	public function __construct( $method, $route, $params = array() ) {
		list( $this->route, $this->params ) = array( $route, $params );
	}
	public function set_param( $name, $value ) {
		$this->params[ $name ] = $value;
	}
	public function get_param( $name ) {
		return isset( $this->params[ $name ] ) ? $this->params[ $name ] : null;
	}
	public function get_route() {
		return $this->route;
	}
}

class WP_REST_Response {
	public $data;
	public $status;
	public $headers = array();
	public function __construct( $data, $status ) {
		list( $this->data, $this->status ) = array( $data, $status );
	}
	public function header( $name, $value ) {
		$this->headers[ $name ] = $value;
	}
	public function get_status() {
		return $this->status;
	}
}

class Standin_Server {
	public function response_to_data( $response, $embed ) {
		return $response->data;
	}
}

/** What a test sets, and what happened. */
class World {
	public static $hooks;
	public static $routes;
	public static $user;
	public static $posted;
	public static $bridge;
	public static $calendar;
	public static $transients;
	public static $headers;
	public static function begin() {
		global $wpdb;
		$wpdb             = new Standin_Wpdb();
		self::$hooks      = array();
		self::$routes     = array();
		self::$user       = new WP_User();
		self::$posted     = array();
		self::$calendar   = array();
		self::$transients = array();
		self::$headers    = array();
		self::$bridge     = function () {
			return new WP_Error( 'http_request_failed', 'Connection refused' );
		};
		Standin_Shop::begin();
	}
}

function add_filter( $name, $callback, $priority = 10, $count = 1 ) {
	World::$hooks[ $name ][] = array( $callback, $count );
}
function add_action( $name, $callback, $priority = 10, $count = 1 ) {
	add_filter( $name, $callback, $priority, $count );
}
function remove_filter( $name, $callback ) {
	World::$hooks[ $name ] = array_filter(
		isset( World::$hooks[ $name ] ) ? World::$hooks[ $name ] : array(),
		function ( $row ) use ( $callback ) {
			return $row[0] !== $callback;
		}
	);
}
function apply_filters( $name, $value, ...$more ) {
	foreach ( isset( World::$hooks[ $name ] ) ? World::$hooks[ $name ] : array() as $row ) {
		$value = call_user_func_array( $row[0], array_slice( array_merge( array( $value ), $more ), 0, $row[1] ) );
	}
	return $value;
}
function do_action( $name, ...$values ) {
	foreach ( isset( World::$hooks[ $name ] ) ? World::$hooks[ $name ] : array() as $row ) {
		call_user_func_array( $row[0], array_slice( $values, 0, $row[1] ) );
	}
}
function register_activation_hook( $file, $callback ) {}
function register_deactivation_hook( $file, $callback ) {}
function plugin_basename( $file ) {
	return 'storebridge/storebridge.php';
}
function get_option( $name, $default = false ) {
	global $wpdb;
	$row = $wpdb->get_row( $wpdb->prepare( 'SELECT option_value FROM wp_options WHERE option_name = %s', $name ) );
	return $row ? maybe_unserialize( $row['option_value'] ) : $default;
}
function add_option( $name, $value, $unused = '', $autoload = true ) {
	global $wpdb;
	return 1 === $wpdb->query( $wpdb->prepare( 'INSERT IGNORE INTO wp_options (option_name, option_value) VALUES (%s, %s)', $name, serialize( $value ) ) );
}
function update_option( $name, $value, $autoload = true ) {
	global $wpdb;
	$wpdb->query( $wpdb->prepare( 'INSERT OR REPLACE INTO wp_options (option_name, option_value) VALUES (%s, %s)', $name, serialize( $value ) ) );
	return true;
}
function delete_option( $name ) {
	global $wpdb;
	return 1 === $wpdb->query( $wpdb->prepare( 'DELETE FROM wp_options WHERE option_name = %s', $name ) );
}
function maybe_unserialize( $value ) {
	$found = @unserialize( $value );
	return false === $found && 'b:0;' !== $value ? $value : $found;
}
function set_transient( $name, $value, $seconds ) {
	World::$transients[ $name ] = $value;
}
function get_transient( $name ) {
	return isset( World::$transients[ $name ] ) ? World::$transients[ $name ] : false;
}
function delete_transient( $name ) {
	unset( World::$transients[ $name ] );
}
function wp_remote_post( $url, $args ) {
	World::$posted[] = array( 'url' => $url ) + $args;
	return call_user_func( World::$bridge, $url, $args );
}
function is_wp_error( $thing ) {
	return $thing instanceof WP_Error;
}
function wp_remote_retrieve_response_code( $answer ) {
	return $answer['status'];
}
function wp_remote_retrieve_body( $answer ) {
	return $answer['body'];
}
function wp_remote_retrieve_header( $answer, $name ) {
	$headers = array_change_key_case( isset( $answer['headers'] ) ? $answer['headers'] : array() );
	return isset( $headers[ strtolower( $name ) ] ) ? $headers[ strtolower( $name ) ] : '';
}
function wp_json_encode( $value, $flags = 0 ) {
	return json_encode( $value, $flags );
}
function wp_parse_url( $url ) {
	return parse_url( $url );
}
function register_rest_route( $space, $path, $args ) {
	World::$routes[ $args['methods'] . ' ' . $space . $path ] = $args;
}
function rest_get_server() {
	return new Standin_Server();
}
function rest_do_request( $request ) {
	if ( preg_match( '#^/wc/v3/orders/(\d+)$#', $request->get_route(), $found ) ) {
		return new WP_REST_Response( wc_get_order( (int) $found[1] )->shown(), 200 );
	}
	preg_match( '#^/wc/v3/orders/(\d+)/fulfillments$#', $request->get_route(), $found );
	$rows = Standin_Shop::$fulfillments;
	return null === $rows ? new WP_REST_Response( array(), 404 ) : new WP_REST_Response( isset( $rows[ $found[1] ] ) ? $rows[ $found[1] ] : array(), 200 );
}
function current_user_can( $what ) {
	return null !== World::$user;
}
function get_current_user_id() {
	return World::$user ? World::$user->ID : 0;
}
function wp_get_current_user() {
	return World::$user ? World::$user : new WP_User();
}
function get_user_locale() {
	return 'nl_NL';
}
function untrailingslashit( $url ) {
	return rtrim( $url, '/' );
}
function rest_url() {
	return untrailingslashit( get_option( 'home' ) ) . '/wp-json/';
}
function admin_url( $path = '' ) {
	return untrailingslashit( get_option( 'home' ) ) . '/wp-admin/' . $path;
}
function wp_safe_redirect( $url ) {
	throw new Leave( $url );
}
function wp_die( $text ) {
	throw new Leave( 'died: ' . $text );
}
function wp_create_nonce( $action ) {
	return 'nonce-of-' . $action;
}
function check_admin_referer( $action ) {
	if ( ( isset( $_REQUEST['_wpnonce'] ) ? $_REQUEST['_wpnonce'] : '' ) !== wp_create_nonce( $action ) ) {
		wp_die( 'The link you followed has expired.' );
	}
}
function wp_nonce_field( $action ) {
	echo '<input type="hidden" name="_wpnonce" value="' . wp_create_nonce( $action ) . '">';
}
function add_submenu_page( $parent, $title, $menu, $capability, $slug, $callback ) {
	World::$routes['menu'] = array( $parent, $capability, $slug );
	return 'woocommerce_page_' . $slug;
}
function status_header( $status ) {
	World::$headers['status'] = $status;
}
function wp_register_style() {}
function wp_enqueue_style() {}
function wp_enqueue_script( $handle, $address ) {
	World::$headers['scripts'][ $handle ] = $address;
}
function plugins_url( $path, $file ) {
	return 'https://shop.test/wp-content/plugins/' . basename( dirname( $file ) ) . '/' . $path;
}
function wp_add_inline_style( $handle, $text ) {
	World::$headers['style'] = $text;
}
function wp_unslash( $value ) {
	return is_array( $value ) ? array_map( 'wp_unslash', $value ) : stripslashes( $value );
}
function sanitize_text_field( $text ) {
	return trim( strip_tags( $text ) );
}
function sanitize_file_name( $name ) {
	return preg_replace( '/[^A-Za-z0-9._-]/', '-', basename( $name ) );
}
function sanitize_mime_type( $type ) {
	return preg_replace( '/[^-+*.a-zA-Z0-9\/]/', '', $type );
}
function wp_check_invalid_utf8( $text, $strip = false ) {
	return mb_check_encoding( $text, 'UTF-8' ) ? $text : mb_convert_encoding( $text, 'UTF-8', 'UTF-8' );
}
function wp_strip_all_tags( $text ) {
	return trim( strip_tags( $text ) );
}
function absint( $value ) {
	return abs( (int) $value );
}
function __( $text, $domain ) {
	return $text;
}
function _n( $one, $many, $count, $domain ) {
	return 1 === $count ? $one : $many;
}
function esc_html( $text ) {
	return htmlspecialchars( $text, ENT_QUOTES );
}
function esc_attr( $text ) {
	return htmlspecialchars( $text, ENT_QUOTES );
}
function esc_url( $url ) {
	return htmlspecialchars( $url, ENT_QUOTES );
}
function esc_html__( $text, $domain ) {
	return esc_html( $text );
}
function wp_next_scheduled( $hook ) {
	return isset( World::$calendar[ $hook ] ) ? World::$calendar[ $hook ] : false;
}
function wp_schedule_single_event( $at, $hook ) {
	World::$calendar[ $hook ] = $at;
}
function wp_schedule_event( $at, $every, $hook ) {
	World::$calendar[ $hook ] = $at;
}
function wp_clear_scheduled_hook( $hook ) {
	unset( World::$calendar[ $hook ] );
}
function spawn_cron() {
	World::$calendar['spawned'] = time();
}
function wp_doing_cron() {
	return false;
}
function get_post( $id ) {
	return isset( Standin_Shop::$posts[ $id ] ) ? Standin_Shop::$posts[ $id ] : null;
}
