<?php
/** What holds for every file of the plugin. */

use PHPUnit\Framework\TestCase;

class FilesTest extends TestCase {
	/** Words that PHP 7.4 does not know; the tests themselves run under a later one. */
	const LATER = array( 'T_MATCH', 'T_NULLSAFE_OBJECT_OPERATOR', 'T_ATTRIBUTE', 'T_ENUM', 'T_READONLY' );

	public static function files() {
		$found = array();
		foreach ( new RecursiveIteratorIterator( new RecursiveDirectoryIterator( PLUGIN, FilesystemIterator::SKIP_DOTS ) ) as $file ) {
			if ( 'php' === $file->getExtension() ) {
				$found[ substr( $file, strlen( PLUGIN ) + 1 ) ] = array( (string) $file );
			}
		}
		return $found;
	}

	/** @dataProvider files */
	public function test_php_7_4_can_read_it_and_nobody_can_call_it( $path ) {
		$code  = file_get_contents( $path );
		$later = array();
		foreach ( token_get_all( $code, TOKEN_PARSE ) as $token ) {
			if ( is_array( $token ) && in_array( token_name( $token[0] ), self::LATER, true ) ) {
				$later[] = $token[1];
			}
		}
		$this->assertSame( array(), $later );
		$this->assertMatchesRegularExpression( "/^defined\( '(ABSPATH|WP_UNINSTALL_PLUGIN)' \) \|\| exit;$/m", $code );
		$this->assertStringNotContainsString( '?>', $code );
	}

	public function test_the_header_and_the_constant_are_one_version() {
		$code = file_get_contents( PLUGIN . '/storebridge.php' );
		preg_match( '/^ \* Version: (\S+)$/m', $code, $found );
		$this->assertSame( STOREBRIDGE_VERSION, $found[1] );
		$this->assertStringContainsString( 'Stable tag: ' . STOREBRIDGE_VERSION . "\n", file_get_contents( PLUGIN . '/readme.txt' ) );
		$this->assertStringContainsString( 'Requires Plugins: woocommerce', $code );
		$this->assertStringContainsString( 'custom_order_tables', $code );
	}

	public function test_the_template_of_translations_has_every_text() {
		$known = file_get_contents( PLUGIN . '/languages/storebridge.pot' );
		$texts = array();
		foreach ( self::files() as list( $path ) ) {
			preg_match_all( "/\b(?:__|_n|esc_html__|esc_attr__)\( '((?:[^'\\\\]|\\\\.)+)'/", file_get_contents( $path ), $found );
			$texts = array_merge( $texts, $found[1] );
		}
		$this->assertGreaterThan( 30, count( $texts ) );
		$plain   = str_replace( "\"\n\"", '', $known );
		$missing = array_filter( array_unique( $texts ), fn( $text ) => false === strpos( $plain, 'msgid "' . addcslashes( stripslashes( $text ), '"\\' ) . '"' ) );
		$this->assertSame( array(), array_values( $missing ) );
	}
}
