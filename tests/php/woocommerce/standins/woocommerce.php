<?php
/** WooCommerce, as far as the plugin touches it. Orders and products are rows, so that a ROLLBACK takes them back. */

namespace Automattic\WooCommerce\Utilities {
	class OrderUtil {
		public static function custom_orders_table_usage_is_enabled() {
			return true;
		}
	}
}

namespace {
	class Standin_Shop {
		public static $rates;
		public static $fulfillments;
		public static $posts;
		public static $dies;
		public static $decimals;
		public static function begin() {
			self::$rates        = array();
			self::$fulfillments = null;
			self::$posts        = array();
			self::$dies         = '';
			self::$decimals     = 2;
		}
		public static function read( $kind, $id ) {
			global $wpdb;
			$row = $wpdb->get_row( $wpdb->prepare( 'SELECT data FROM wp_things WHERE kind = %s AND id = %d', $kind, $id ) );
			return $row ? unserialize( base64_decode( $row['data'] ) ) : null;
		}
		public static function write( $kind, $id, $data ) {
			global $wpdb;
			$id = $id ? $id : 1 + (int) $wpdb->get_var( 'SELECT MAX(id) FROM wp_things' );
			$wpdb->query( $wpdb->prepare( 'INSERT OR REPLACE INTO wp_things (kind, id, data) VALUES (%s, %d, %s)', $kind, $id, base64_encode( serialize( $data ) ) ) );
			return $id;
		}
		/** Dies once, where a test wants it: what comes after never happens. */
		public static function pass( $place ) {
			if ( self::$dies === $place ) {
				self::$dies = '';
				throw new Died( $place );
			}
		}
	}

	/** A process that was killed: no code of ours may act on it, so it is none of PHP's own kinds the plugin catches by name. */
	class Died extends Error {}

	class WC_Data_Exception extends Exception {
		public function getErrorCode() {
			return 'wc_data';
		}
	}

	class WC_Product {
		public $id = 0;
		public $data = array( 'name' => '', 'stock' => null, 'parent' => 0, 'status' => 'publish' );
		public static function make( $data ) {
			$made       = new self();
			$made->data = $data + $made->data;
			$made->id   = Standin_Shop::write( 'product', 0, $made->data );
			return $made;
		}
		public function get_id() {
			return $this->id;
		}
		public function get_parent_id() {
			return $this->data['parent'];
		}
		public function get_name() {
			return $this->data['name'];
		}
		public function get_status() {
			return $this->data['status'];
		}
		public function managing_stock() {
			return null !== $this->data['stock'];
		}
		public function get_stock_quantity() {
			return $this->data['stock'];
		}
	}

	function wc_get_product( $id ) {
		$data = Standin_Shop::read( 'product', $id );
		if ( null === $data ) {
			return false;
		}
		$found       = new WC_Product();
		$found->id   = (int) $id;
		$found->data = $data;
		return $found;
	}

	function wc_update_product_stock( $product, $by, $operation ) {
		$data          = Standin_Shop::read( 'product', $product->get_id() );
		$data['stock'] = $data['stock'] + ( 'decrease' === $operation ? -$by : $by );
		Standin_Shop::write( 'product', $product->get_id(), $data );
		do_action( 'woocommerce_product_set_stock', wc_get_product( $product->get_id() ) );
	}

	abstract class WC_Order_Item {
		public $data = array( 'taxes' => array() );
		public function __call( $name, $values ) {
			$this->data[ substr( $name, 4 ) ] = $values[0];
		}
		public function update_meta_data( $key, $value ) {
			$this->data['meta'][ $key ] = $value;
		}
	}
	class WC_Order_Item_Product extends WC_Order_Item {
		public function set_product( $product ) {
			$this->data['product_id'] = $product->get_id();
		}
	}
	class WC_Order_Item_Shipping extends WC_Order_Item {}
	class WC_Order_Item_Fee extends WC_Order_Item {}
	class WC_Order_Item_Tax extends WC_Order_Item {}

	class WC_Order {
		public $id = 0;
		public $data = array( 'status' => 'pending', 'meta' => array(), 'items' => array(), 'reduced' => false );
		private $from = 'pending';
		public function __call( $name, $values ) {
			$this->data[ substr( $name, 4 ) ] = $values[0];
		}
		public function set_total( $value ) {
			$this->data['total'] = number_format( (float) $value, wc_get_price_decimals(), '.', '' );
		}
		public function set_billing_email( $value ) {
			if ( '' !== $value && false === strpos( $value, '@' ) ) {
				throw new WC_Data_Exception( 'Invalid billing email address' );
			}
			$this->data['billing_email'] = $value;
		}
		public function get_id() {
			return $this->id;
		}
		public function get_meta( $key ) {
			return isset( $this->data['meta'][ $key ] ) ? $this->data['meta'][ $key ] : '';
		}
		public function update_meta_data( $key, $value ) {
			$this->data['meta'][ $key ] = $value;
		}
		public function delete_meta_data( $key ) {
			unset( $this->data['meta'][ $key ] );
		}
		public function has_status( $status ) {
			return in_array( $this->data['status'], (array) $status, true );
		}
		public function add_item( $item ) {
			$this->data['items'][] = $item;
		}
		public function save() {
			global $wpdb;
			Standin_Shop::pass( 'before saving' );
			$new      = 0 === $this->id;
			$this->id = Standin_Shop::write( 'order', $this->id, $this->data );
			$wpdb->query( $wpdb->prepare( 'DELETE FROM wp_wc_orders_meta WHERE order_id = %d', $this->id ) );
			foreach ( $this->data['meta'] as $key => $value ) {
				$wpdb->insert( 'wp_wc_orders_meta', array( 'order_id' => $this->id, 'meta_key' => $key, 'meta_value' => $value ) );
			}
			Standin_Shop::pass( 'after saving' );
			do_action( $new ? 'woocommerce_new_order' : 'woocommerce_update_order', $this->id, $this );
			if ( $this->from !== $this->data['status'] ) {
				$this->from = $this->data['status'];
				Standin_Shop::pass( 'before the stock' );
				wc_maybe_reduce_stock_levels( $this->id );
			}
		}
		public function save_meta_data() {
			$this->save();
		}
		public function delete( $force ) {
			global $wpdb;
			$wpdb->query( $wpdb->prepare( "DELETE FROM wp_things WHERE kind = 'order' AND id = %d", $this->id ) );
			$wpdb->query( $wpdb->prepare( 'DELETE FROM wp_wc_orders_meta WHERE order_id = %d', $this->id ) );
		}
		public function read( $id, $data ) {
			list( $this->id, $this->data, $this->from ) = array( $id, $data, $data['status'] );
			if ( isset( $data['total'] ) ) {
				$this->set_total( $data['total'] );
			}
			return $this;
		}
		/** As wc/v3 would show it, roughly. */
		public function shown() {
			return array( 'id' => $this->id ) + $this->data;
		}
	}
	class WC_Order_Refund extends WC_Order {
		public function get_parent_id() {
			return $this->data['parent'];
		}
	}

	function wc_get_order( $id ) {
		$data = Standin_Shop::read( 'order', $id );
		return null === $data ? false : ( new WC_Order() )->read( (int) $id, $data );
	}

	function wc_maybe_reduce_stock_levels( $id ) {
		$data = Standin_Shop::read( 'order', $id );
		if ( $data['reduced'] || ! in_array( $data['status'], array( 'processing', 'on-hold', 'completed' ), true ) ) {
			return;
		}
		foreach ( $data['items'] as $item ) {
			if ( $item instanceof WC_Order_Item_Product && isset( $item->data['product_id'] ) ) {
				wc_update_product_stock( wc_get_product( $item->data['product_id'] ), $item->data['quantity'], 'decrease' );
			}
		}
		Standin_Shop::write( 'order', $id, array( 'reduced' => true ) + $data );
	}

	class WC_Tax {
		public static function find_rates( $place ) {
			return 'NL' === $place['country'] ? Standin_Shop::$rates : array();
		}
	}

	function wc_get_price_decimals() {
		return apply_filters( 'wc_get_price_decimals', Standin_Shop::$decimals );
	}
	function wc_prices_include_tax() {
		return true;
	}
	function wc_rand_hash() {
		return getenv( 'STANDIN_HASH' ) ? getenv( 'STANDIN_HASH' ) : bin2hex( random_bytes( 20 ) );
	}
	function wc_api_hash( $text ) {
		return hash_hmac( 'sha256', $text, 'wc-api' );
	}
	function WC() {
		return (object) array( 'version' => '11.0.1' );
	}
}
