<?php
/** The shared vectors, which the bridge's own tests read too. */
class SignerTest extends PluginCase {
	public static function vectors() {
		$path  = dirname( __DIR__, 2 ) . '/fixtures/modules/vectors.json';
		$found = json_decode( file_get_contents( $path ), true );
		return array_combine( array_column( $found['vectors'], 'name' ), array_map( fn( $row ) => array( $row ), $found['vectors'] ) );
	}

	/** @dataProvider vectors */
	public function test_both_sides_sign_alike( array $row ) {
		$body   = hex2bin( $row['body_hex'] );
		$nonces = array();
		foreach ( $row['secrets'] as $secret ) {
			$nonces[] = Storebridge_Signer::verified( $secret, $row['act'], $body, $row['header'], $row['now'] );
		}
		$this->assertSame( $row['valid'], in_array( $row['n'], $nonces, true ) );
		$own = Storebridge_Signer::header( $row['secret'], $row['act'], $body, $row['t'], $row['n'] );
		$this->assertSame( $row['n'], Storebridge_Signer::verified( $row['secret'], $row['act'], $body, $own, $row['t'] ) );
	}

	public function test_there_are_good_and_bad_ones() {
		$valid = array_column( array_column( self::vectors(), 0 ), 'valid' );
		$this->assertContains( true, $valid );
		$this->assertContains( false, $valid );
	}
}
