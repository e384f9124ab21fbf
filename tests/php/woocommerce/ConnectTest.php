<?php
/** One click connects; a code is good once; the page shows what the bridge signed and nothing else. */
class ConnectTest extends PluginCase {
	private $connector;
	private $admin;

	protected function setUp(): void {
		parent::setUp();
		$this->connector = new Storebridge_Connector( $this->settings, $this->bridge );
		$this->admin     = new Storebridge_Admin( $this->settings, $this->bridge, $this->connector, $this->sender, $this->outbox );
		$this->ask( 'GET', '' );
	}

	private function ask( $method, $query, array $post = array(), array $files = array() ) {
		parse_str( $query, $_GET );
		$_POST    = $post;
		$_REQUEST = $post + $_GET;
		$_FILES   = $files;
		$_SERVER['REQUEST_METHOD'] = $method;
		$_SERVER['QUERY_STRING']   = $query;
	}

	private function page() {
		ob_start();
		$this->admin->render();
		return ob_get_clean();
	}

	private function keys() {
		global $wpdb;
		return $wpdb->get_results( 'SELECT * FROM wp_woocommerce_api_keys ORDER BY key_id' );
	}

	private function bridge_connects( array $answer = array( 'shop' => 'abc', 'connection' => 7, 'title' => 'Shop' ), &$proofs = array() ) {
		World::$bridge = function ( $url, $args ) use ( $answer, &$proofs ) {
			$asked = json_decode( $args['body'], true );
			if ( 'connect' !== basename( $url ) ) {
				return array( 'status' => 503, 'body' => 'Not now.' );
			}
			foreach ( array( str_repeat( '0', 64 ), $asked['code'], $asked['code'] ) as $code ) {
				$proofs[] = $this->connector->prove( $code, 'challenge' );
			}
			return array( 'status' => $answer ? 200 : 502, 'body' => $answer ? json_encode( $answer ) : 'The store could not be called back.', 'headers' => array( 'content-type' => 'text/plain' ) );
		};
	}

	public function test_a_click_connects_and_the_code_is_good_once() {
		$proofs = array();
		$this->bridge_connects( array( 'shop' => 'abc', 'connection' => 7, 'title' => 'Shop' ), $proofs );
		$this->assertTrue( $this->connector->connect( 'https://bridge.test', 'key' )->ok() );
		list( $wrong, $proof, $again ) = $proofs;
		$this->assertNull( $wrong );
		$this->assertNull( $again );
		$this->assertSame( array( 'challenge', 'https://shop.test' ), array( $proof['challenge'], $proof['store_url'] ) );
		$this->assertSame( array( 'read_write', wc_api_hash( $proof['credentials']['consumer_key'] ) ), array( $this->keys()[0]['permissions'], $this->keys()[0]['consumer_key'] ) );
		$this->assertTrue( $this->settings->connected() );
		$this->assertSame( $proof['secret'], $this->settings->get( 'secret' ) );
		$asked = $this->posted( 0 );
		$this->assertSame( array( 'woocommerce', 'https://shop.test/wp-json/', 'key', 'anna' ), array( $asked['platform'], $asked['api_url'], $asked['install_key'], $asked['user'] ) );
		$this->bridge_connects();
		$this->connector->connect( 'https://bridge.test', '' );
		$this->assertCount( 1, $this->keys() );
	}

	public function test_an_old_code_is_none() {
		$proofs = array();
		World::$bridge = function ( $url, $args ) use ( &$proofs ) {
			update_option( 'storebridge_pending', array( 'expires' => time() - 1 ) + get_option( 'storebridge_pending' ) );
			$proofs[] = $this->connector->prove( json_decode( $args['body'], true )['code'], 'c' );
			return new WP_Error( 'x', 'timed out' );
		};
		$this->connector->connect( 'https://bridge.test', '' );
		$this->assertSame( array( null ), $proofs );
		$this->assertFalse( $this->settings->connected() );
	}

	public function test_keys_that_nobody_fetched_are_taken_back_and_others_kept() {
		$this->bridge_refuses( 403, 'The install key is wrong.' );
		$this->assertSame( 'The install key is wrong.', $this->connector->connect( 'https://bridge.test', '' )->text );
		$this->assertSame( array(), $this->keys() );
		$this->bridge_connects( array() );
		$this->assertFalse( $this->connector->connect( 'https://bridge.test', '' )->ok() );
		$this->assertCount( 1, $this->keys() );
		$this->assertFalse( $this->settings->connected() );
	}

	/** @testWith ["bridge.test", "https://bridge.test"]
	 *            ["https://Bridge.test/x/", "https://bridge.test/x"]
	 *            ["http://127.0.0.1:8000", "http://127.0.0.1:8000"]
	 *            ["http://bridge.test", ""]
	 *            ["https://user@bridge.test", ""]
	 *            ["javascript:alert(1)", ""]
	 *            ["", ""]
	 */
	public function test_the_bridge_is_reached_by_https( $given, $kept ) {
		$this->assertSame( $kept, Storebridge_Connector::address( $given ) );
	}

	public function test_the_button_of_the_page() {
		$this->assertStringContainsString( 'name="bridge"', $this->page() );
		$this->ask( 'POST', '', array( '_wpnonce' => 'stolen', 'bridge' => 'https://bridge.test' ) );
		$this->assertStringContainsString( 'expired', $this->leaving( array( $this->admin, 'connect' ) ) );
		$this->ask( 'POST', '', array( '_wpnonce' => 'nonce-of-storebridge_connect', 'bridge' => 'ftp://x' ) );
		$this->leaving( array( $this->admin, 'connect' ) );
		$this->assertStringContainsString( 'role="alert"', $this->page() );
		$this->ask( 'POST', '', array( '_wpnonce' => 'nonce-of-storebridge_connect', 'bridge' => 'https://bridge.test' ) );
		$this->bridge_connects();
		$this->assertSame( 'https://shop.test/wp-admin/admin.php?page=storebridge', $this->leaving( array( $this->admin, 'connect' ) ) );
		$this->assertTrue( $this->settings->connected() );
		update_option( 'permalink_structure', '' );
		$this->settings->mark_gone();
		$this->leaving( array( $this->admin, 'connect' ) );
		$this->assertStringContainsString( 'Permalinks', $this->page() );
		World::$user = null;
		$this->assertStringContainsString( 'not allowed', $this->leaving( array( $this->admin, 'connect' ) ) );
	}

	public function test_the_page_passes_the_question_on_and_prints_the_answer() {
		$this->connect();
		$this->ask( 'GET', 'page=storebridge&path=orders%2F12&state=open&state=late&q=a%20b&_wpnonce=x' );
		$this->bridge_answers( fn() => array( 'status' => 404, 'title' => 'Order 12', 'html' => '<p class="sb">Order</p>', 'style' => '.sb{}' ) );
		$this->admin->load();
		$asked = $this->posted( 0 );
		$this->assertSame( array( 'GET', 'orders/12', array( 'state' => array( 'open', 'late' ), 'q' => array( 'a b' ) ) ), array( $asked['method'], $asked['path'], $asked['query'] ) );
		$this->assertSame( array( 'name' => '_wpnonce', 'value' => 'nonce-of-storebridge_page' ), $asked['frame']['csrf'] );
		$this->assertSame( array( '1', 'Anna', array( 'view', 'change', 'customers' ) ), array( $asked['user']['id'], $asked['user']['name'], $asked['can'] ) );
		$this->assertSame( '<div class="wrap"><p class="sb">Order</p></div>', $this->page() );
		$script = 'https://shop.test/wp-content/plugins/storebridge/assets/consent.js';
		$this->assertEquals( array( 'status' => 404, 'style' => '.sb{}', 'scripts' => array( 'storebridge-consent' => $script ) ), World::$headers );
		$this->assertFileExists( PLUGIN . '/assets/consent.js' );
		$this->admin->load();
		$this->assertSame( substr( hash( 'sha256', '.sb{}' ), 0, 12 ), $this->posted( 1 )['frame']['style'] );
	}

	public function test_a_form_is_checked_passed_on_and_followed() {
		$this->connect();
		$this->bridge_answers( fn() => array( 'redirect' => array( 'path' => 'orders', 'query' => array( 'state' => array( 'open' ) ) ) ) );
		$this->ask( 'POST', 'page=storebridge&path=rules', array( 'do' => 'save', '_wpnonce' => 'stolen' ) );
		$this->assertStringContainsString( 'expired', $this->leaving( array( $this->admin, 'load' ) ) );
		$this->assertSame( array(), World::$posted );
		$this->ask( 'POST', 'page=storebridge&path=rules', array( 'do' => 'sa\\\'ve', 'on' => array( 'a', 'b' ), '_wpnonce' => 'nonce-of-storebridge_page' ), array( 'file' => $this->upload( 'a,b' ) ) );
		$to = $this->leaving( array( $this->admin, 'load' ) );
		$this->assertSame( 'https://shop.test/wp-admin/admin.php?page=storebridge&state=open&path=orders', $to );
		$asked = $this->posted( 0 );
		$this->assertSame( array( 'POST', array( 'do' => array( "sa've" ), 'on' => array( 'a', 'b' ) ) ), array( $asked['method'], $asked['form'] ) );
		$this->assertSame( array( 'name' => 'my-file.csv', 'type' => 'text/csv', 'base64' => base64_encode( 'a,b' ) ), $asked['files']['file'] );
	}

	private function upload( $content, $size = null ) {
		$path = tempnam( sys_get_temp_dir(), 'sb' );
		file_put_contents( $path, $content );
		register_shutdown_function( 'unlink', $path );
		return array( 'name' => 'my file.csv', 'type' => 'text/csv', 'tmp_name' => $path, 'error' => UPLOAD_ERR_OK, 'size' => null === $size ? strlen( $content ) : $size );
	}

	public function test_files_that_are_too_large_are_not_passed_on() {
		$this->connect();
		$this->ask( 'POST', 'page=storebridge', array( '_wpnonce' => 'nonce-of-storebridge_page' ), array( 'file' => $this->upload( 'x', 2000000 ) ) );
		$this->admin->load();
		$this->assertSame( array(), World::$posted );
		$page = $this->page();
		$this->assertStringContainsString( '1 MB', $page );
		$this->assertStringNotContainsString( 'does not answer', $page, 'it was not asked' );
		$this->assertStringNotContainsString( 'may or may not be done', $page );
	}

	public function test_an_urlencoded_form_keeps_fields_of_one_name() {
		$this->assertSame( array( 'on' => array( 'a', 'b' ), 'x.y' => array( '' ) ), Storebridge_Form::fields( 'on=a&on=b&x.y&_wpnonce=1&page=p' ) );
	}

	public function test_words_that_the_bridge_did_not_sign_are_not_printed() {
		$this->connect();
		$this->bridge_answers( fn() => array( 'html' => '<script>evil</script>' ), 'another secret, which is long enough too' );
		$this->admin->load();
		$page = $this->page();
		$this->assertStringNotContainsString( 'evil', $page );
		$this->assertStringContainsString( 'not signed by your bridge', $page );
	}

	public function test_a_bridge_that_is_away_is_said_with_a_way_on() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->ask( 'GET', 'page=storebridge&path=orders&state=open' );
		$this->admin->load();
		$page = $this->page();
		$this->assertStringContainsString( 'Connection refused', $page );
		$this->assertStringContainsString( '1 change in the store waits', $page );
		$this->assertStringContainsString( 'page=storebridge&amp;state=open&amp;path=orders', $page );
		$this->assertStringNotContainsString( 'may or may not be done', $page );
	}

	public function test_a_bridge_that_is_too_slow_is_said_without_curls_words() {
		$this->connect();
		World::$bridge = fn() => new WP_Error( 'http_request_failed', 'cURL error 28: Operation timed out after 25001 milliseconds with 0 bytes received' );
		$this->ask( 'POST', 'page=storebridge&path=returns', array( '_wpnonce' => 'nonce-of-storebridge_page' ) );
		$this->admin->load();
		$page = $this->page();
		$this->assertStringContainsString( 'It took too long to answer.', $page );
		$this->assertStringContainsString( 'What you were doing may or may not be done: look before you do it again.', $page );
		$this->assertStringNotContainsString( 'cURL', $page );
	}

	public function test_a_connection_that_is_gone_can_be_made_again() {
		$this->connect();
		$this->bridge_refuses( 410, 'There is no such connection.' );
		$this->admin->load();
		$page = $this->page();
		$this->assertStringContainsString( 'was disconnected on the bridge', $page );
		$this->assertStringContainsString( 'value="https://bridge.test"', $page );
	}

	public function test_forgetting_tells_the_bridge_and_takes_its_keys() {
		$this->bridge_connects();
		$this->connector->connect( 'https://bridge.test', '' );
		$this->bridge_answers( fn() => array( 'ok' => true ) );
		$this->ask( 'POST', '', array( '_wpnonce' => 'nonce-of-storebridge_disconnect' ) );
		$this->leaving( array( $this->admin, 'disconnect' ) );
		$this->assertSame( array( 'connect', 'gone' ), $this->acts() );
		$this->assertSame( array( 'reason' => 'disconnected', 'user' => 'anna' ), $this->posted( 1 ) );
		$this->assertSame( array(), $this->keys() );
		$this->assertFalse( $this->settings->connected() );
	}

	public function test_the_page_stands_under_woocommerce_for_who_manages_the_shop() {
		$this->admin->menu();
		$this->assertSame( array( 'woocommerce', 'manage_woocommerce', 'storebridge' ), World::$routes['menu'] );
		World::$user = null;
		$this->assertStringContainsString( 'not allowed', $this->leaving( array( $this->admin, 'load' ) ) );
	}
}
