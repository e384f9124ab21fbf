<?php
/** What the tests share: the parts of the plugin, and a bridge that signs its answers. */

use PHPUnit\Framework\TestCase;

abstract class PluginCase extends TestCase {
	const SECRET = '6f1c2e0b9d5a4478a3c1f0e2d4b6988701234567890abcdef01234567890abcd';

	protected $settings;
	protected $outbox;
	protected $bridge;
	protected $sender;

	protected function setUp(): void {
		World::begin();
		Storebridge_Tables::install();
		update_option( 'home', 'https://shop.test/' );
		update_option( 'permalink_structure', '/%postname%/' );
		$this->settings = new Storebridge_Settings();
		$this->outbox   = new Storebridge_Outbox();
		$this->bridge   = new Storebridge_Bridge( $this->settings );
		$health         = new Storebridge_Health( $this->settings, $this->outbox );
		$this->sender   = new Storebridge_Sender( $this->settings, $this->outbox, $this->bridge, $health );
	}

	protected function connect() {
		$this->settings->set(
			array(
				'bridge'     => 'https://bridge.test',
				'shop'       => 'abc',
				'connection' => '7',
				'secret'     => self::SECRET,
			)
		);
	}

	/** A bridge that answers 200, signed, with what $content makes of the question. */
	protected function bridge_answers( callable $content, $secret = self::SECRET ) {
		World::$bridge = function ( $url, $args ) use ( $content, $secret ) {
			$act  = basename( $url );
			$body = json_encode( $content( $act, json_decode( $args['body'], true ) ) );
			preg_match( '/n=([0-9a-f]{32})/', $args['headers'][ Storebridge_Signer::HEADER ], $found );
			$header = Storebridge_Signer::header( $secret, $act . '.answer', $body, time(), $found[1] );
			return array(
				'status'  => 200,
				'body'    => $body,
				'headers' => array( Storebridge_Signer::HEADER => $header ),
			);
		};
	}

	protected function bridge_refuses( $status, $text, $headers = array() ) {
		World::$bridge = function () use ( $status, $text, $headers ) {
			return array(
				'status'  => $status,
				'body'    => $text,
				'headers' => $headers + array( 'content-type' => 'text/plain; charset=utf-8' ),
			);
		};
	}

	/** Acts in order, as they were asked for. */
	protected function acts() {
		return array_map( 'basename', array_column( World::$posted, 'url' ) );
	}

	protected function posted( $place ) {
		return json_decode( World::$posted[ $place ]['body'], true );
	}

	protected function leaving( callable $act ) {
		try {
			$act();
		} catch ( Leave $leave ) {
			return $leave->to;
		}
		return null;
	}
}
