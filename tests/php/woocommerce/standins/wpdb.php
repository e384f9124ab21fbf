<?php
/** $wpdb over SQLite: the few words of MySQL that the plugin uses are translated. */

define( 'ARRAY_A', 'ARRAY_A' );

class Standin_Wpdb {
	public $prefix = 'wp_';
	public $options = 'wp_options';
	public $postmeta = 'wp_postmeta';
	public $insert_id = 0;
	public $queries = array();
	private $pdo;

	public function __construct() {
		$file      = getenv( 'STANDIN_DB' );
		$this->pdo = new PDO( 'sqlite:' . ( $file ? $file : ':memory:' ), null, null, array( PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION ) );
		$this->pdo->exec( 'PRAGMA busy_timeout = 20000' );
		$this->pdo->exec( 'CREATE TABLE IF NOT EXISTS wp_options (option_id INTEGER PRIMARY KEY, option_name TEXT UNIQUE, option_value TEXT, autoload TEXT)' );
		$this->pdo->exec( 'CREATE TABLE IF NOT EXISTS wp_woocommerce_api_keys (key_id INTEGER PRIMARY KEY, user_id, description, permissions, consumer_key, consumer_secret, truncated_key)' );
		$this->pdo->exec( 'CREATE TABLE IF NOT EXISTS wp_wc_orders_meta (id INTEGER PRIMARY KEY, order_id INTEGER, meta_key TEXT, meta_value TEXT)' );
		$this->pdo->exec( 'CREATE TABLE IF NOT EXISTS wp_things (kind TEXT, id INTEGER, data TEXT, PRIMARY KEY (kind, id))' );
	}

	public function prepare( $query, ...$values ) {
		$values = 1 === count( $values ) && is_array( $values[0] ) ? $values[0] : $values;
		return preg_replace_callback(
			'/%[sd]/',
			function ( $found ) use ( &$values ) {
				$value = array_shift( $values );
				return '%d' === $found[0] ? (string) (int) $value : $this->pdo->quote( (string) $value );
			},
			$query
		);
	}

	public function query( $query ) {
		$this->queries[] = $query;
		$query = str_replace( array( 'INSERT IGNORE', 'START TRANSACTION' ), array( 'INSERT OR IGNORE', 'BEGIN' ), $query );
		try {
			return (int) $this->pdo->exec( $query );
		} catch ( PDOException $error ) {
			// MySQL takes a ROLLBACK without a transaction, and a COMMIT.
			if ( false !== strpos( $error->getMessage(), 'no transaction is active' ) ) {
				return 0;
			}
			throw $error;
		}
	}

	public function get_results( $query ) {
		return $this->pdo->query( $query )->fetchAll( PDO::FETCH_ASSOC );
	}

	public function get_row( $query ) {
		$rows = $this->get_results( $query );
		return $rows ? $rows[0] : null;
	}

	public function get_var( $query ) {
		$row = $this->get_row( $query );
		return $row ? array_values( $row )[0] : null;
	}

	public function insert( $table, $row ) {
		$values          = implode( ', ', array_map( array( $this->pdo, 'quote' ), array_map( 'strval', $row ) ) );
		$done            = $this->query( "INSERT INTO $table (" . implode( ', ', array_keys( $row ) ) . ") VALUES ($values)" );
		$this->insert_id = (int) $this->pdo->lastInsertId();
		return $done;
	}

	public function delete( $table, $where ) {
		$name = array_keys( $where )[0];
		return $this->query( $this->prepare( "DELETE FROM $table WHERE $name = %s", array_values( $where )[0] ) );
	}

	public function get_charset_collate() {
		return 'DEFAULT CHARSET=utf8mb4';
	}
}

function dbDelta( $query ) {
	global $wpdb;
	preg_match( '/CREATE TABLE (\w+) \((.*)\) ENGINE=InnoDB/s', $query, $found );
	$columns = array();
	foreach ( array_map( 'trim', explode( "\n", trim( $found[2] ) ) ) as $line ) {
		$line = str_replace( ' unsigned', '', rtrim( $line, ',' ) );
		if ( preg_match( '/^UNIQUE KEY \w+ \((.*)\)$/', $line, $key ) ) {
			$columns[] = "UNIQUE ({$key[1]})";
		} elseif ( false !== strpos( $line, 'AUTO_INCREMENT' ) ) {
			$columns[] = 'id INTEGER PRIMARY KEY';
		} elseif ( ! preg_match( '/^(PRIMARY )?KEY/', $line ) ) {
			$columns[] = $line;
		}
	}
	$wpdb->query( "CREATE TABLE IF NOT EXISTS {$found[1]} (" . implode( ', ', $columns ) . ')' );
}
