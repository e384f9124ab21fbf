<?php
/**
 * The plugin behind `php -S`, over the same stand-ins with a database in a file: for tests against a real bridge.
 * Paths below /php/ are a test's hands; everything else is what the plugin itself serves.
 */

define( 'ABSPATH', __DIR__ . '/standins/' );
define( 'PLUGIN', dirname( __DIR__, 3 ) . '/platform_adapters/woocommerce/plugin/storebridge' );
require __DIR__ . '/standins/wpdb.php';
require __DIR__ . '/standins/wordpress.php';
require __DIR__ . '/standins/woocommerce.php';
require PLUGIN . '/storebridge.php';

World::begin();
Storebridge_Tables::install();
update_option( 'home', getenv( 'STANDIN_HOME' ) );
update_option( 'permalink_structure', '/%postname%/' );
World::$bridge = function ( $url, $args ) {
	$lines = array( 'Connection: close', 'User-Agent: ' . $args['user-agent'] );
	foreach ( $args['headers'] as $name => $value ) {
		$lines[] = "$name: $value";
	}
	$http = array(
		'method'          => 'POST',
		'header'          => $lines,
		'content'         => $args['body'],
		'timeout'         => $args['timeout'],
		'follow_location' => 0,
		'ignore_errors'   => true,
	);
	$stream = @fopen( $url, 'rb', false, stream_context_create( array( 'http' => $http ) ) );
	if ( false === $stream ) {
		return new WP_Error( 'http_request_failed', 'Connection refused' );
	}
	$body    = stream_get_contents( $stream );
	$came    = stream_get_meta_data( $stream )['wrapper_data'];
	$headers = array();
	foreach ( array_slice( $came, 1 ) as $line ) {
		list( $name, $value )         = explode( ':', $line, 2 );
		$headers[ strtolower( $name ) ] = trim( $value );
	}
	preg_match( '#^HTTP/\S+ (\d+)#', $came[0], $found );
	return array(
		'status'  => (int) $found[1],
		'body'    => $body,
		'headers' => $headers,
	);
};

$settings  = new Storebridge_Settings();
$outbox    = new Storebridge_Outbox();
$bridge    = new Storebridge_Bridge( $settings );
$health    = new Storebridge_Health( $settings, $outbox );
$connector = new Storebridge_Connector( $settings, $bridge );
$sender    = new Storebridge_Sender( $settings, $outbox, $bridge, $health );
$admin     = new Storebridge_Admin( $settings, $bridge, $connector, $sender, $outbox );
$rest      = new Storebridge_Rest( $health, $connector, new Storebridge_Orders( new Storebridge_Order_Writer() ), new Storebridge_Stock(), new Storebridge_Parcels(), $sender );

$path   = parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
$asked  = json_decode( file_get_contents( 'php://input' ), true );
$asked  = is_array( $asked ) ? $asked : array();
$answer = function ( $body, $status = 200 ) {
	http_response_code( $status );
	header( 'Content-Type: application/json' );
	echo json_encode( $body );
};

try {
	switch ( $path ) {
		case '/wp-json/wc-storebridge/v1/prove':
			$done = $rest->prove( new WP_REST_Request( 'POST', $path, $asked ) );
			$answer( $done instanceof WP_Error ? array( 'code' => $done->code ) : $done->data, $done instanceof WP_Error ? $done->data['status'] : $done->status );
			break;
		case '/wp-json/wc-storebridge/v1/test':
			$done = $rest->send_test( new WP_REST_Request( 'POST', $path, $asked ) );
			$answer( $done instanceof WP_Error ? array( 'code' => $done->code ) : $done->data, $done instanceof WP_Error ? $done->data['status'] : $done->status );
			break;
		case '/php/connect':
			$done = $connector->connect( Storebridge_Connector::address( $asked['bridge'] ), '' );
			$answer( array( 'status' => $done->status, 'text' => $done->text ) + $done->body );
			break;
		case '/php/changes':
			foreach ( $asked as $row ) {
				$outbox->add( $row[0], $row[1], $row[2] );
			}
			$taken = $sender->send();
			$answer( array( 'taken' => $taken, 'outbox' => $outbox->state(), 'retry' => get_option( 'storebridge_retry' ), 'latest' => $settings->get( 'latest' ) ) );
			break;
		case '/php/beat':
			$sender->forget_waiting();
			$sender->beat();
			$answer( array( 'connected' => $settings->connected(), 'gone' => $settings->get( 'gone' ) ) );
			break;
		case '/php/forget':
			$connector->disconnect( 'disconnected' );
			$answer( array( 'connected' => $settings->connected() ) );
			break;
		case '/wp-admin/admin.php':
			$admin->load();
			$admin->render();
			break;
		default:
			$answer( array( 'code' => 'rest_no_route' ), 404 );
	}
} catch ( Leave $leave ) {
	$died = 0 === strpos( $leave->to, 'died: ' );
	http_response_code( $died ? 403 : 302 );
	header( $died ? 'Content-Type: text/plain' : 'Location: ' . $leave->to );
	echo $leave->to;
}
