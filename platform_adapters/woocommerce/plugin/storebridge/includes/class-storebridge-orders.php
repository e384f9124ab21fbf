<?php
/**
 * Orders of marketplaces, each once.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * A row with UNIQUE (channel, external id) is taken before an order is made. Whoever holds its token goes on; a row that
 * was left half way is taken over after a while, and brought to its end.
 *
 * A row is `claimed`, then `written` in the same transaction as the order (which has taken no stock yet), then `done`.
 */
class Storebridge_Orders {

	const STALE      = 180;
	const REF        = '_storebridge_order';
	const UNFINISHED = '_storebridge_unfinished';

	/**
	 * Writes the order itself.
	 *
	 * @var Storebridge_Order_Writer
	 */
	private $writer;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Order_Writer $writer Writes the order itself.
	 */
	public function __construct( Storebridge_Order_Writer $writer ) {
		$this->writer = $writer;
	}

	/**
	 * The order of this marketplace order: made now, or long since.
	 *
	 * @param string $channel     The account on the marketplace.
	 * @param string $external_id The marketplace's number.
	 * @param string $ref         Both, as written into the order.
	 * @param array  $given       The order to make.
	 * @return array{created: bool, order_id: int}|WP_Error
	 */
	public function create( $channel, $external_id, $ref, array $given ) {
		$row = $this->claim( $channel, $external_id );
		if ( null === $row ) {
			return new WP_Error( 'storebridge_in_progress', __( 'This order is being created at this moment.', 'storebridge' ), array( 'status' => 409 ) );
		}
		if ( 'done' === $row['state'] ) {
			return $this->answer( $row['order_id'], false );
		}
		$order = $row['order_id'] ? wc_get_order( $row['order_id'] ) : $this->left_behind( $ref );
		if ( $order ) {
			$this->keep( $row, $order->get_id(), 'written' );
			$this->finish( $row, $order );
			return $this->answer( $order->get_id(), false );
		}
		try {
			$order = $this->write( $row, $ref, $given );
		} catch ( Storebridge_Refusal $refusal ) {
			$this->release( $row );
			return $refusal->error();
		} catch ( Throwable $error ) {
			$this->release( $row );
			return new WP_Error( 'storebridge_not_created', $error->getMessage(), array( 'status' => 500 ) );
		}
		if ( null === $order ) {
			return new WP_Error( 'storebridge_in_progress', __( 'This order is being created at this moment.', 'storebridge' ), array( 'status' => 409 ) );
		}
		$this->finish( $row, $order );
		return $this->answer( $order->get_id(), true );
	}

	/**
	 * Which of these are orders here. What was left half way is brought to its end first.
	 *
	 * @param array $refs Each {channel, external_id, ref}.
	 * @return int[] Order numbers by ref.
	 */
	public function find( array $refs ) {
		$found  = array();
		$others = array();
		foreach ( $refs as $wanted ) {
			$row   = $this->row( $wanted['channel'], $wanted['external_id'] );
			$order = $row && $row['order_id'] ? $this->living( $row['order_id'] ) : null;
			if ( $order && 'written' === $row['state'] && ! $this->take_over( $row ) ) {
				continue;
			}
			if ( $order ) {
				$this->finish( $row, $order );
				$found[ $wanted['ref'] ] = $order->get_id();
			} else {
				$others[] = $wanted['ref'];
			}
		}
		return $found + $this->by_meta( $others );
	}

	/**
	 * The row, ours: new, or taken over from who has left it. A `done` one is anybody's.
	 *
	 * @param string $channel     The account.
	 * @param string $external_id The marketplace's number.
	 * @return array|null Null where another is at it.
	 */
	private function claim( $channel, $external_id ) {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_orders' );
		$query = $wpdb->prepare( "INSERT IGNORE INTO $table (channel, external_id, order_id, state, token, claimed_at) VALUES (%s, %s, 0, 'claimed', %s, %d)", $channel, $external_id, bin2hex( random_bytes( 16 ) ), time() ); // phpcs:ignore WordPress.DB.PreparedSQL
		$fresh = 1 === $wpdb->query( $query ); // phpcs:ignore WordPress.DB
		$row   = $this->row( $channel, $external_id );
		if ( null === $row || $fresh ) {
			return $row;
		}
		if ( $row['order_id'] && ! $this->living( $row['order_id'] ) ) {
			// Its order was deleted, or lies in the bin: it is no order any more.
			return $this->take_over( $row, true ) ? $row : null;
		}
		return 'done' === $row['state'] || $this->take_over( $row ) ? $row : null;
	}

	/**
	 * Makes a row that was left ours, if it still is as it was read.
	 *
	 * @param array $row   The row; it has the new token afterwards.
	 * @param bool  $anew  Whether to forget its order.
	 * @return bool
	 */
	private function take_over( array &$row, $anew = false ) {
		global $wpdb;
		if ( ! $anew && $row['claimed_at'] > time() - self::STALE ) {
			return false;
		}
		$new   = array_merge(
			$row,
			array(
				'token'      => bin2hex( random_bytes( 16 ) ),
				'claimed_at' => time(),
			),
			$anew ? array(
				'order_id' => 0,
				'state'    => 'claimed',
			) : array()
		);
		$table = Storebridge_Tables::name( 'storebridge_orders' );
		$query = $wpdb->prepare( "UPDATE $table SET token = %s, claimed_at = %d, order_id = %d, state = %s WHERE id = %d AND token = %s", $new['token'], $new['claimed_at'], $new['order_id'], $new['state'], $row['id'], $row['token'] ); // phpcs:ignore WordPress.DB.PreparedSQL
		$ours  = 1 === $wpdb->query( $query ); // phpcs:ignore WordPress.DB
		$row   = $ours ? $new : $row;
		return $ours;
	}

	/**
	 * The order and its row, in one transaction. It has taken no stock yet.
	 *
	 * @param array  $row   The row.
	 * @param string $ref   What is written into the order.
	 * @param array  $given The order to make.
	 * @return WC_Order|null Null where another has taken the row over meanwhile.
	 * @throws Throwable When it cannot be made; nothing is left of it.
	 */
	private function write( array $row, $ref, array $given ) {
		global $wpdb;
		$order = null;
		$wpdb->query( 'START TRANSACTION' ); // phpcs:ignore WordPress.DB
		try {
			$order = $this->writer->write( $ref, $given );
			if ( $this->keep( $row, $order->get_id(), 'written' ) ) {
				$wpdb->query( 'COMMIT' ); // phpcs:ignore WordPress.DB
				return $order;
			}
			$this->undo( $order );
			return null;
		} catch ( Throwable $error ) {
			$this->undo( $order );
			throw $error;
		}
	}

	/**
	 * Takes everything back, also where tables know no transactions.
	 *
	 * @param WC_Order|null $order What was made.
	 */
	private function undo( $order ) {
		global $wpdb;
		$wpdb->query( 'ROLLBACK' ); // phpcs:ignore WordPress.DB
		$left = $order && $order->get_id() ? wc_get_order( $order->get_id() ) : false;
		if ( $left ) {
			$left->delete( true );
		}
	}

	/**
	 * The status that takes stock, once. Does nothing to an order that is done.
	 *
	 * @param array    $row   The row.
	 * @param WC_Order $order The order.
	 */
	private function finish( array $row, $order ) {
		$status = (string) $order->get_meta( self::UNFINISHED );
		if ( '' !== $status ) {
			if ( $order->has_status( 'pending' ) ) {
				$order->set_status( $status );
				$order->save();
			}
			if ( $order->has_status( $status ) ) {
				// Nothing happens where it was reduced with the status, as it is unless the process died between the two.
				wc_maybe_reduce_stock_levels( $order->get_id() );
			}
			$ended = wc_get_order( $order->get_id() );
			$ended->delete_meta_data( self::UNFINISHED );
			$ended->save_meta_data();
		}
		if ( 'done' !== $row['state'] ) {
			$this->keep( $row, $order->get_id(), 'done' );
		}
	}

	/**
	 * Writes into a row that is still ours.
	 *
	 * @param array  $row      The row.
	 * @param int    $order_id The order.
	 * @param string $state    written or done.
	 * @return bool
	 */
	private function keep( array $row, $order_id, $state ) {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_orders' );
		$query = $wpdb->prepare( "UPDATE $table SET order_id = %d, state = %s WHERE id = %d AND token = %s", $order_id, $state, $row['id'], $row['token'] ); // phpcs:ignore WordPress.DB.PreparedSQL
		return 1 === $wpdb->query( $query ); // phpcs:ignore WordPress.DB
	}

	/**
	 * Lets a row go of which nothing came.
	 *
	 * @param array $row The row.
	 */
	private function release( array $row ) {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_orders' );
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE id = %d AND token = %s AND order_id = 0", $row['id'], $row['token'] ) ); // phpcs:ignore WordPress.DB
	}

	/**
	 * An order of this reference without a row: made before the plugin was here, or left by a store whose tables know no
	 * transactions. One that was not finished may be half an order, has taken no stock, and is made anew.
	 *
	 * @param string $ref The reference.
	 * @return WC_Order|null
	 */
	private function left_behind( $ref ) {
		foreach ( $this->ids_by_meta( array( $ref ) ) as $order_id => $unused ) {
			$order = $this->living( $order_id );
			if ( $order && '' !== (string) $order->get_meta( self::UNFINISHED ) && $order->has_status( 'pending' ) ) {
				$order->delete( true );
			} elseif ( $order ) {
				return $order;
			}
		}
		return null;
	}

	/**
	 * Orders that carry these references and have no row.
	 *
	 * @param string[] $refs References.
	 * @return int[] Order numbers by ref.
	 */
	private function by_meta( array $refs ) {
		$found = array();
		foreach ( array() === $refs ? array() : $this->ids_by_meta( $refs ) as $order_id => $ref ) {
			$order = $this->living( $order_id );
			if ( $order && '' === (string) $order->get_meta( self::UNFINISHED ) && ! isset( $found[ $ref ] ) ) {
				$found[ $ref ] = $order_id;
			}
		}
		return $found;
	}

	/**
	 * References by order number, from wherever this store keeps what belongs to orders.
	 *
	 * @param string[] $refs References.
	 * @return string[]
	 */
	private function ids_by_meta( array $refs ) {
		global $wpdb;
		$own    = \Automattic\WooCommerce\Utilities\OrderUtil::custom_orders_table_usage_is_enabled();
		$table  = $own ? $wpdb->prefix . 'wc_orders_meta' : $wpdb->postmeta;
		$column = $own ? 'order_id' : 'post_id';
		$places = implode( ',', array_fill( 0, count( $refs ), '%s' ) );
		$query  = "SELECT $column AS order_id, meta_value AS ref FROM $table WHERE meta_key = %s AND meta_value IN ($places) ORDER BY $column";
		$rows   = $wpdb->get_results( $wpdb->prepare( $query, array_merge( array( self::REF ), $refs ) ), ARRAY_A ); // phpcs:ignore WordPress.DB
		return array_column( $rows, 'ref', 'order_id' );
	}

	/**
	 * The row of a marketplace order.
	 *
	 * @param string $channel     The account.
	 * @param string $external_id The marketplace's number.
	 * @return array|null
	 */
	private function row( $channel, $external_id ) {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_orders' );
		$row   = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM $table WHERE channel = %s AND external_id = %s", $channel, $external_id ), ARRAY_A ); // phpcs:ignore WordPress.DB
		if ( ! is_array( $row ) ) {
			return null;
		}
		foreach ( array( 'id', 'order_id', 'claimed_at' ) as $name ) {
			$row[ $name ] = (int) $row[ $name ];
		}
		return $row;
	}

	/**
	 * An order that is one: neither deleted nor in the bin.
	 *
	 * @param int $order_id Its number.
	 * @return WC_Order|null
	 */
	private function living( $order_id ) {
		$order = wc_get_order( $order_id );
		return $order instanceof WC_Order && ! $order->has_status( 'trash' ) ? $order : null;
	}

	/**
	 * The outcome.
	 *
	 * @param int  $order_id The order.
	 * @param bool $created  Whether it was made now.
	 * @return array{created: bool, order_id: int}
	 */
	private function answer( $order_id, $created ) {
		return array(
			'created'  => $created,
			'order_id' => (int) $order_id,
		);
	}
}
